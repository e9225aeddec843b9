//! What is declared, and what may be named where.

use std::collections::HashMap;
use std::sync::Arc;

use super::reference::{CallId, ImageId, LocalId, Reference, ResourceId, ServiceId, VariableId};
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
    /// By mode and kind, then by name.
    pub resources: HashMap<(Mode, Arc<str>), HashMap<Arc<str>, ResourceId>>,
    /// By name.
    pub calls: HashMap<Arc<str>, CallId>,
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
            _ => None,
        }
    }

    /// The declared name under a root that is closest to another.
    #[must_use]
    pub fn closest(&self, root: &str, name: &str) -> Option<&str> {
        match root {
            "var" => diag::closest(name, self.variables.keys().map(AsRef::as_ref)),
            "local" => diag::closest(name, self.locals.keys().map(AsRef::as_ref)),
            "service" => diag::closest(name, self.services.keys().map(AsRef::as_ref)),
            "image" => diag::closest(name, self.images.keys().map(AsRef::as_ref)),
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
    /// Functions with a value only at an apply: `uuid` and `bcrypt`.
    pub random: bool,
}

impl Allowed {
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
            random: false,
        }
    }

    /// Variables and locals.
    #[must_use]
    pub const fn values(place: &'static str) -> Self {
        Self { variables: true, locals: true, ..Self::constant(place) }
    }

    /// Variables, locals, services and images, and what only an apply tells.
    #[must_use]
    pub const fn all(place: &'static str) -> Self {
        Self { services: true, images: true, random: true, ..Self::values(place) }
    }
}
