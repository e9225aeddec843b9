//! What is declared, and what may be named where.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::reference::{
    CallId, EnvironmentId, ImageId, LocalId, Reference, ResourceId, ServiceId, VariableId,
};
use crate::address::Mode;

/// Everything that a configuration declares and expressions may name.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// By name.
    pub variables: HashMap<Arc<str>, VariableId>,
    /// By name.
    pub locals: HashMap<Arc<str>, LocalId>,
    /// By name.
    pub services: HashMap<Arc<str>, ServiceId>,
    /// By name.
    pub images: HashMap<Arc<str>, ImageId>,
    /// By name; only the root of a project has any.
    pub environments: HashMap<Arc<str>, EnvironmentId>,
    /// By mode and kind, then by name.
    pub resources: HashMap<(Mode, Arc<str>), HashMap<Arc<str>, ResourceId>>,
    /// By name.
    pub calls: HashMap<Arc<str>, CallId>,
    /// How each resource is repeated, by [`ResourceId`].
    pub repeated: Vec<Repeated>,
    /// Data sources that only their check may name, by [`ResourceId`], with the number of the check.
    pub scoped: HashMap<ResourceId, u32>,
    /// The providers that `required_providers` names.
    pub providers: HashSet<Arc<str>>,
}

/// Which meta-argument repeats a block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Repeated {
    /// None.
    #[default]
    Once,
    /// `count`.
    Count,
    /// `for_each`.
    ForEach,
}

impl Names {
    /// What `root.name` refers to, if that kind of thing is declared by name.
    #[must_use]
    pub fn declared(&self, root: &str, name: &str) -> Option<Reference> {
        match root {
            "var" => self.variables.get(name).map(|id| Reference::Variable(*id)),
            "local" => self.locals.get(name).map(|id| Reference::Local(*id)),
            "service" => self.services.get(name).map(|id| Reference::Service(*id)),
            "image" => self.images.get(name).map(|id| Reference::Image(*id)),
            "environment" => self.environments.get(name).map(|id| Reference::Environment(*id)),
            _ => None,
        }
    }

    /// A resource, data source or ephemeral resource.
    #[must_use]
    pub fn resource(&self, mode: Mode, kind: &Arc<str>, name: &str) -> Option<ResourceId> {
        self.resources.get(&(mode, kind.clone()))?.get(name).copied()
    }

    /// How a resource is repeated.
    #[must_use]
    pub fn repeated(&self, id: ResourceId) -> Repeated {
        self.repeated.get(id.0 as usize).copied().unwrap_or_default()
    }

    /// What an address that is not declared may have been meant as: another name of its kind, or another kind with the name.
    #[must_use]
    pub fn closest_resource(&self, mode: Mode, kind: &Arc<str>, name: &str) -> Option<(Arc<str>, Arc<str>)> {
        if let Some(names) = self.resources.get(&(mode, kind.clone())) {
            let meant = diag::closest(name, names.keys().map(AsRef::as_ref))?;
            return Some((kind.clone(), meant.into()));
        }
        let kinds = self.resources.iter().filter(|((m, _), names)| *m == mode && names.contains_key(name));
        let meant = diag::closest(kind, kinds.map(|((_, kind), _)| kind.as_ref()))?;
        Some((meant.into(), name.into()))
    }

    /// The declared name under a root that is closest to another.
    #[must_use]
    pub fn closest(&self, root: &str, name: &str) -> Option<&str> {
        match root {
            "var" => diag::closest(name, self.variables.keys().map(AsRef::as_ref)),
            "local" => diag::closest(name, self.locals.keys().map(AsRef::as_ref)),
            "service" => diag::closest(name, self.services.keys().map(AsRef::as_ref)),
            "image" => diag::closest(name, self.images.keys().map(AsRef::as_ref)),
            "environment" => diag::closest(name, self.environments.keys().map(AsRef::as_ref)),
            "module" | "stack" => diag::closest(name, self.calls.keys().map(AsRef::as_ref)),
            _ => None,
        }
    }
}

/// What may be named in a place, beyond `path`, `project`, `environment` and `terraform`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allowed {
    /// The place as a message names it, such as "the default of a variable".
    pub place: &'static str,
    /// `var`.
    pub variables: bool,
    /// `local`.
    pub locals: bool,
    /// `service`.
    pub services: bool,
    /// `image`.
    pub images: bool,
    /// `cluster`.
    pub cluster: bool,
    /// `each`.
    pub each: bool,
    /// `count`.
    pub count: bool,
    /// `self`.
    pub own: bool,
    /// Resources, data sources and ephemeral resources.
    pub resources: bool,
    /// `module`.
    pub modules: bool,
    /// Functions with a value only at an apply: `uuid` and `bcrypt`.
    pub random: bool,
    /// No function at all: what Terraform reads before it evaluates anything.
    pub without_functions: bool,
    /// A reference names a whole block whatever steps follow, and so needs no key: `depends_on`.
    pub whole: bool,
    /// The check whose data source may be named: its number.
    pub check: Option<u32>,
}

impl Allowed {
    /// Whether nothing that is declared may be named.
    #[must_use]
    pub const fn is_constant(&self) -> bool {
        !(self.variables || self.locals || self.services || self.images || self.resources || self.modules)
    }

    /// Only values that need nothing else.
    #[must_use]
    pub const fn constant(place: &'static str) -> Self {
        Self {
            place,
            variables: false,
            locals: false,
            services: false,
            images: false,
            cluster: false,
            each: false,
            count: false,
            own: false,
            resources: false,
            modules: false,
            random: false,
            without_functions: false,
            whole: false,
            check: None,
        }
    }

    /// Variables and locals.
    #[must_use]
    pub const fn values(place: &'static str) -> Self {
        Self { variables: true, locals: true, ..Self::constant(place) }
    }

    /// Variables, locals, services, images, resources and modules, and what only an apply tells.
    #[must_use]
    pub const fn all(place: &'static str) -> Self {
        Self {
            services: true,
            images: true,
            resources: true,
            modules: true,
            random: true,
            ..Self::values(place)
        }
    }

    /// All but services: what is made before any service runs.
    #[must_use]
    pub const fn infrastructure(place: &'static str) -> Self {
        Self { services: false, ..Self::all(place) }
    }
}
