//! A project's configuration: what is declared, with names resolved and bodies not yet evaluated.
//!
//! [`load`] reads it and reports every fault of every file. What a body is worth depends on values, clusters and what is live,
//! and is the caller's to ask for through a [`Scope`](crate::Scope).

mod collect;
mod cycles;
mod declaration;
mod declare;
mod environment;
mod findings;
mod grammar;
mod labels;
mod links;
mod load;
mod overrides;
mod read;
mod registry;
mod repeat;
mod scope;
mod stack;
mod stack_variables;
mod targets;
mod terraform;
mod tree;
mod validate;
mod variables;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use diag::{Diagnostics, Sources, Span};
use value::{Marks, Type, Value};

pub use declaration::{Condition, Dependency, Image, Local, Output, Seed, Service, Variable};
pub use environment::{Cluster, Environment, EnvironmentProvider, EnvironmentValue, Pairs};
pub use findings::Findings;
pub use load::load;
pub use registry::Registry;
pub use repeat::Repetition;
pub use scope::{ConstantScope, evaluate_locals};
pub use stack::{LoadedTree, load_stack, load_stack_in};
pub use stack_variables::{StackVariables, VariableSource, stack_variables};
pub use terraform::{
    Call, Check, IgnoreChanges, Import, Lifecycle, Moved, ProviderConfiguration, ProviderReference,
    Provisioner, Removed, RequiredProvider, Resource, Settings,
};
pub use tree::{ModuleFolders, NodeId, Tree, TreeNode};
pub use validate::validate;
pub use variables::{VariableInput, resolve_variables};

use crate::address::Mode;
use crate::resolve::{
    CallId, EnvironmentId, ImageId, LocalId, Names, ProviderFunction, Reference, ResourceId, ServiceId,
    VariableId,
};

/// What [`load`] found.
#[derive(Debug)]
pub struct Loaded {
    /// The texts that places point into.
    pub sources: Sources,
    /// What is declared; what is at fault is left out.
    pub configuration: Configuration,
    /// Every fault that shows without a value.
    pub diagnostics: Diagnostics,
}

/// What a project declares, each kind in the order of the files and their text.
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    /// The project.
    pub project: Project,
    /// The environments; at least `dev`.
    pub environments: Vec<Environment>,
    /// By [`VariableId`].
    pub variables: Vec<Variable>,
    /// By [`LocalId`].
    pub locals: Vec<Local>,
    /// The outputs.
    pub outputs: Vec<Output>,
    /// By [`ServiceId`].
    pub services: Vec<Service>,
    /// By [`ImageId`].
    pub images: Vec<Image>,
    /// The seeds.
    pub seeds: Vec<Seed>,
    /// Seeds whose service is at fault; kept for what else is wrong with them.
    seeds_without_service: Vec<Seed>,
    /// The folder that it was read from, relative to the root; empty for the root.
    pub folder: Arc<str>,
    /// `terraform {}`.
    pub settings: Settings,
    /// By [`ResourceId`](crate::resolve::ResourceId): resources, data sources and ephemeral resources.
    pub resources: Vec<Resource>,
    /// By [`CallId`](crate::resolve::CallId).
    pub calls: Vec<Call>,
    /// Configurations of providers.
    pub providers: Vec<ProviderConfiguration>,
    /// What was renamed.
    pub moved: Vec<Moved>,
    /// What is no longer described, and may stay.
    pub removed: Vec<Removed>,
    /// What is taken over.
    pub imports: Vec<Import>,
    /// What is looked at beside the resources.
    pub checks: Vec<Check>,
    /// The functions of providers that expressions call.
    pub provider_functions: Vec<ProviderFunction>,
    /// What the names mean.
    pub names: Names,
    /// The locals in an order in which each comes after those that it refers to.
    pub local_order: Vec<LocalId>,
}

/// The project.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// Its name; empty only where its block is at fault.
    pub name: Arc<str>,
    /// Where its block begins.
    pub header: Option<Span>,
    /// What is set for registries of images, in the order of the text.
    pub registries: Vec<Registry>,
}

impl Configuration {
    /// A variable.
    #[must_use]
    pub fn variable(&self, id: VariableId) -> Option<&Variable> {
        self.variables.get(id.0 as usize)
    }

    /// A local.
    #[must_use]
    pub fn local(&self, id: LocalId) -> Option<&Local> {
        self.locals.get(id.0 as usize)
    }

    /// A service.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> Option<&Service> {
        self.services.get(id.0 as usize)
    }

    /// What `environment.x` is where the outputs of that environment are these: an object of every declared output. One that is
    /// not among them is unknown: nothing was applied there yet, or it was declared since.
    #[must_use]
    pub fn environment_outputs(&self, outputs: &[(String, Value)]) -> Value {
        let known: HashMap<&str, &Value> =
            outputs.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let entries = self.outputs.iter().filter(|output| !output.ephemeral).map(|output| {
            let name = &output.name.name;
            let value =
                known.get(name.as_ref()).map_or_else(|| Value::unknown(Type::Dynamic), |it| (*it).clone());
            let marks = if output.sensitive { Marks::SENSITIVE } else { Marks::NONE };
            (name.clone(), value.with_marks(marks))
        });
        Value::object(entries)
    }

    /// The environments whose outputs something hangs on, each once.
    #[must_use]
    pub fn environments_named(&self) -> BTreeSet<EnvironmentId> {
        let services = self.services.iter().map(|it| &it.references);
        let resources = self.resources.iter().map(|it| &it.references);
        let all = (self.locals.iter().map(|it| &it.references))
            .chain(self.outputs.iter().map(|it| &it.references))
            .chain(self.calls.iter().map(|it| &it.references))
            .chain(self.providers.iter().map(|it| &it.references))
            .chain(self.checks.iter().map(|it| &it.references))
            .chain(self.imports.iter().map(|it| &it.references))
            .chain(services)
            .chain(resources);
        let named = all.flatten().filter_map(|reference| match reference {
            Reference::Environment(id) => Some(*id),
            _ => None,
        });
        named.collect()
    }

    /// An image.
    #[must_use]
    pub fn image(&self, id: ImageId) -> Option<&Image> {
        self.images.get(id.0 as usize)
    }

    /// A resource, data source or ephemeral resource.
    #[must_use]
    pub fn resource(&self, id: ResourceId) -> Option<&Resource> {
        self.resources.get(id.0 as usize)
    }

    /// A module call.
    #[must_use]
    pub fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.get(id.0 as usize)
    }

    /// A resource by its mode, kind and name.
    #[must_use]
    pub fn find_resource(&self, mode: Mode, kind: &Arc<str>, name: &str) -> Option<&Resource> {
        self.resource(self.names.resource(mode, kind, name)?)
    }

    /// `path.module`: the folder relative to where the stack is, `.` for the root.
    #[must_use]
    pub fn path(&self) -> &str {
        if self.folder.is_empty() { "." } else { &self.folder }
    }

    /// An environment by name.
    #[must_use]
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.iter().find(|e| e.name.as_ref() == name)
    }
}
