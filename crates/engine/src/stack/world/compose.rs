//! What modules and resources look like from outside: one object, or several under their keys. Each is put together once.

use lang::configuration::NodeId;
use lang::resolve::CallId;
use value::{Type, Value};

use super::node::Slot;
use super::{Expansion, Phase, ResourceAt, World};

impl World {
    /// Sets what expressions see of a resource in all instances of its module.
    pub fn set_resource(&self, at: ResourceAt, values: Vec<Value>) {
        if let Some(slot) = self.slots(at.node).and_then(|slots| slots.resources.get(at.resource.0 as usize))
        {
            let _ = slot.set(values.into());
        }
    }

    /// What expressions see of a resource in an instance of its module; unknown before it is set.
    #[must_use]
    pub fn seen_resource(&self, at: ResourceAt, instance: usize) -> Value {
        let slots = self.slots(at.node);
        Self::known(slots.and_then(|slots| slots.resources.get(at.resource.0 as usize)), instance)
    }

    /// Which instances a resource has, by instance of its module; `None` before that is known.
    #[must_use]
    pub fn expansions(&self, at: ResourceAt) -> Option<&[Expansion]> {
        self.slots(at.node)?.expansions.get(at.resource.0 as usize)?.get().map(AsRef::as_ref)
    }

    /// An output of a called module, alone in its object; an empty object where the module has no such output.
    pub(super) fn module_output(&self, node: NodeId, call: CallId, output: u32, instance: usize) -> Value {
        let at = self
            .slots(node)
            .and_then(|slots| *slots.call_outputs.get(call.0 as usize)?.get(output as usize)?);
        let child = self.called(node, call);
        match (at, child) {
            (None, Some(child)) => {
                let none = vec![Value::object::<&str>([]); self.instances(child).len()];
                let seen = self.by_caller(child, none);
                seen.get(instance).cloned().unwrap_or_else(|| Value::unknown(Type::Dynamic))
            }
            (at, child) => {
                let outputs = child.and_then(|child| self.slots(child)).map(|slots| &slots.seen_outputs);
                Self::known(outputs.and_then(|outputs| outputs.get(at?)), instance)
            }
        }
    }

    /// A called module with all of its outputs.
    pub(super) fn module(&self, node: NodeId, call: CallId, instance: usize) -> Value {
        let Some(slots) = self.called(node, call).and_then(|child| self.slots(child)) else {
            return Value::unknown(Type::Dynamic);
        };
        let Some(child) = self.called(node, call) else { return Value::unknown(Type::Dynamic) };
        let seen = slots.seen.get_or_init(|| {
            let outputs = self.configuration(child).map_or(&[][..], |c| &c.outputs);
            let values = self.instances(child).iter().enumerate().map(|(at, _)| {
                let each = outputs.iter().zip(&slots.outputs);
                Value::object(
                    each.map(|(output, slot)| (output.name.name.clone(), Self::known(Some(slot), at))),
                )
            });
            self.by_caller(child, values.collect())
        });
        seen.get(instance).cloned().unwrap_or_else(|| Value::unknown(Type::Dynamic))
    }

    /// The module that a call calls; `None` where it could not be read.
    #[must_use]
    pub fn called(&self, node: NodeId, call: CallId) -> Option<NodeId> {
        self.tree_node(node)?.children.get(call.0 as usize).copied().flatten()
    }

    /// Puts values of module instances together as the caller's instances see them.
    pub(super) fn by_caller(&self, node: NodeId, values: Vec<Value>) -> Box<[Value]> {
        let Some(instances) = self.slots(node).and_then(|slots| slots.instances.get()) else {
            return Box::default();
        };
        let mut values = values.into_iter();
        instances
            .of_parent
            .iter()
            .map(|(expansion, _)| {
                let values = values.by_ref().take(expansion.len()).collect();
                if self.phase == Phase::Validate {
                    expansion.compose_any(values)
                } else {
                    expansion.compose(values)
                }
            })
            .collect()
    }

    /// Sets an output in all instances of its module.
    pub(super) fn set_output(&self, node: NodeId, output: usize, mut values: Vec<Value>) {
        let Some(slots) = self.slots(node) else { return };
        if self.phase == Phase::Validate {
            // What a module answers hangs on what it is given, which another caller or another day may give otherwise.
            for value in &mut values {
                *value = Value::unknown(Type::Dynamic).with_marks(value.marks());
            }
        }
        if node != NodeId::ROOT
            && let Some(name) =
                self.configuration(node).and_then(|c| c.outputs.get(output)).map(|o| &o.name.name)
        {
            let alone = values.iter().map(|value| Value::object([(name.clone(), value.clone())])).collect();
            set(slots.seen_outputs.get(output), self.by_caller(node, alone));
        }
        set(slots.outputs.get(output), values.into());
    }
}

/// Writes a slot; one that is written already keeps what it has.
pub(super) fn set(slot: Option<&Slot>, values: Box<[Value]>) {
    if let Some(slot) = slot {
        let _ = slot.set(values);
    }
}
