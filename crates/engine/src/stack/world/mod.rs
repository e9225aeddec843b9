//! What is known during one walk over a stack: values of variables, locals, outputs and resources, for each module instance.
//!
//! Each declaration has one slot for the values in all instances of its module, written once by the step that evaluates it, so that
//! steps run on several threads without a lock. What is not there counts as unknown. Nothing here asks a provider but to be
//! configured, and nothing decides an order: that is [`super::walk`].

mod compose;
mod conditions;
mod evaluate;
mod expansion;
mod folder;
mod functions;
mod node;
mod place;

use std::collections::BTreeSet;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use lang::ProjectFiles;
use lang::configuration::{Configuration, NodeId, Resource, TreeNode};
use lang::resolve::{CallId, EnvironmentId, ResourceId, VariableId};
use value::{Type, Value};

pub use conditions::{CheckLedger, Judged, Telling, judge, validate as validate_conditions};
pub use expansion::{Each, Expansion};
pub use node::{Instances, ModuleInstance};
pub use place::Place;

pub(in crate::stack) use evaluate::{UNTOLD, failed, tell_remarks, within};

use super::provider::KindSchema;
use super::providers::{ProviderId, StackProviders};
use super::{ResourceProvider, StackInput};
use crate::{Address, ResourceKind};
use folder::Stacks;
use node::NodeSlots;

/// What a walk is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// To find what is wrong whatever the values are: variables and instances are unknown.
    Validate,
    /// To decide what would be done.
    Plan,
    /// To remove everything: what is described counts only as far as providers need it.
    Destroy,
    /// To do it.
    Apply,
}

/// A resource block in a module of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceAt {
    /// The module.
    pub node: NodeId,
    /// The block.
    pub resource: ResourceId,
}

/// What is known during one walk.
pub struct World {
    /// What it is made from.
    pub input: Arc<StackInput>,
    /// What the walk is for.
    pub phase: Phase,
    /// The providers.
    pub providers: StackProviders,
    /// What conditions said.
    pub checks: CheckLedger,
    nodes: Vec<NodeSlots>,
    stacks: Stacks,
}

impl World {
    /// Knows nothing yet but which providers there are; those are started. `in_state`: the provider texts of the state's rows.
    pub async fn open(
        input: Arc<StackInput>,
        phase: Phase,
        in_state: &BTreeSet<Arc<str>>,
    ) -> (Self, Diagnostics) {
        let (mut providers, mut faults) = StackProviders::resolve(&input.tree, in_state);
        faults.extend(providers.start(input.providers.as_ref()).await);
        let nodes = NodeSlots::of_tree(&input.tree);
        let stacks = Stacks::new(&input.tree, &input.files);
        let world = Self { input, phase, providers, checks: CheckLedger::default(), nodes, stacks };
        faults.extend(world.unknown_functions());
        (world, faults)
    }

    /// A module of the tree. Nodes that are not there are those of a tree that is empty.
    #[must_use]
    pub fn tree_node(&self, node: NodeId) -> Option<&TreeNode> {
        self.input.tree.node(node)
    }

    /// What a module declares.
    #[must_use]
    pub fn configuration(&self, node: NodeId) -> Option<&Configuration> {
        self.tree_node(node).map(|node| node.configuration.as_ref())
    }

    /// The outputs of another environment, as far as they are known.
    pub(super) fn environment(&self, node: NodeId, id: EnvironmentId) -> Value {
        let named = self.configuration(node).and_then(|it| it.environments.get(id.0 as usize));
        let found = self.input.environments.iter().find(|(name, _)| named.is_some_and(|it| it.name == *name));
        found.map_or_else(|| Value::unknown(Type::Dynamic), |(_, outputs)| outputs.clone())
    }

    /// A resource block.
    #[must_use]
    pub fn resource(&self, at: ResourceAt) -> Option<&Resource> {
        self.configuration(at.node)?.resources.get(at.resource.0 as usize)
    }

    /// The files that the expressions of a module read, from the folder that they go by.
    #[must_use]
    pub fn files(&self, node: NodeId) -> &dyn ProjectFiles {
        match self.stacks.files(node) {
            Some(files) => files,
            None => self.input.files.as_ref(),
        }
    }

    /// What the stacks of a project answer, by their names: an object of outputs each, as far as it is known.
    #[must_use]
    pub fn stack_outputs(&self) -> Vec<(Arc<str>, Value)> {
        let calls = self.configuration(NodeId::ROOT).map_or(&[][..], |root| &root.calls);
        let calls = (0_u32..).zip(calls).filter(|(_, call)| call.is_stack);
        calls.map(|(id, call)| (call.name.name.clone(), self.module(NodeId::ROOT, CallId(id), 0))).collect()
    }

    /// The instances of a module; empty where it is not known which there are.
    #[must_use]
    pub fn instances(&self, node: NodeId) -> &[ModuleInstance] {
        self.slots(node).and_then(|slots| slots.instances.get()).map_or(&[], |instances| &instances.all)
    }

    /// A place to evaluate expressions in: a module instance.
    #[must_use]
    pub fn place(&self, node: NodeId, instance: usize) -> Place<'_> {
        Place::new(self, node, instance)
    }

    /// The address of an instance of a resource.
    #[must_use]
    pub fn address(&self, at: ResourceAt, instance: usize, each: Option<&Each>) -> Option<Address> {
        let resource = self.resource(at)?;
        let module = self.instances(at.node).get(instance)?;
        Some(Address {
            module: module.path.clone(),
            mode: resource.mode,
            kind: ResourceKind::new(resource.kind.name.clone()),
            name: resource.name.name.clone(),
            key: each.and_then(Each::key),
            cluster: None,
        })
    }

    /// The provider configuration and the schema of a resource; the fault has its place.
    ///
    /// # Errors
    /// If the provider makes no such kind. No diagnostics where that was told already.
    pub fn made_by(&self, at: ResourceAt) -> Result<(ProviderId, &KindSchema), Diagnostics> {
        let (Some(provider), Some(resource)) =
            (self.providers.of_resource(at.node, at.resource), self.resource(at))
        else {
            return Err(Diagnostics::default());
        };
        let Some(schema) = self.providers.schema(provider) else { return Err(Diagnostics::default()) };
        let kind = resource.kind.name.as_ref();
        if let Some(found) = self.providers.kind(provider, resource.mode, kind) {
            return Ok((provider, found));
        }
        let (noun, kinds) = match resource.mode {
            crate::Mode::Managed => ("resource type", &schema.resources),
            crate::Mode::Data => ("data source", &schema.data),
            crate::Mode::Ephemeral => ("ephemeral resource type", &schema.ephemeral),
        };
        let address = self.providers.get(provider).map(|p| p.address.to_string()).unwrap_or_default();
        let fault = Diagnostic::error(
            "invalid-resource-type",
            format!("Invalid {noun}: the provider {address} does not support {noun} \"{kind}\""),
        )
        .at(resource.kind.span);
        let fault = match resource.mode {
            crate::Mode::Ephemeral => fault.summary("Invalid ephemeral resource"),
            _ => fault,
        };
        Err(match diag::closest(kind, kinds.keys().map(AsRef::as_ref)) {
            Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
            None => fault.hint("check the name, and the version of the provider"),
        }
        .into())
    }

    /// The provider of a resource, once it is configured.
    #[must_use]
    pub fn provider(&self, id: ProviderId) -> Option<&Arc<dyn ResourceProvider>> {
        self.providers.ready(id)
    }

    /// A root variable's value, for the plan; `None` where nobody gave one.
    #[must_use]
    pub fn given(&self, id: VariableId) -> Option<&Value> {
        self.input.variables.get(id.0 as usize).and_then(Option::as_ref)
    }

    /// Whether anything has to hold of a variable.
    pub(super) fn has_validations(&self, node: NodeId, id: VariableId) -> bool {
        self.configuration(node).and_then(|c| c.variable(id)).is_some_and(|v| !v.validations.is_empty())
    }

    /// The value of a root output; `None` where it has none for a fault.
    #[must_use]
    pub fn root_output(&self, output: usize) -> Option<&Value> {
        self.slots(NodeId::ROOT)?.outputs.get(output)?.get()?.first()
    }

    pub(super) fn slots(&self, node: NodeId) -> Option<&NodeSlots> {
        self.nodes.get(node.0 as usize)
    }

    /// What a slot has for an instance.
    fn known(slot: Option<&node::Slot>, instance: usize) -> Value {
        slot.and_then(|slot| slot.get()?.get(instance).cloned())
            .unwrap_or_else(|| Value::unknown(Type::Dynamic))
    }
}
