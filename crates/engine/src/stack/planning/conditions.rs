//! Pre- and postconditions of a resource, and of data sources.

use diag::Diagnostics;
use lang::configuration::Resource;
use lang::eval::Scope;

use super::instances::Instance;
use crate::stack::plan::CheckKind;
use crate::stack::walk::block_address;
use crate::stack::world::{ResourceAt, Telling, World, judge};

/// The conditions of a resource block.
pub(super) struct Conditions<'a> {
    world: &'a World,
    resource: &'a Resource,
    /// The block without keys; empty where it has no condition.
    object: String,
}

impl<'a> Conditions<'a> {
    /// Those of a block, which is told to the ledger.
    pub fn of_resource(world: &'a World, at: ResourceAt, resource: &'a Resource) -> Self {
        let lifecycle = &resource.lifecycle;
        let has_any = !lifecycle.preconditions.is_empty() || !lifecycle.postconditions.is_empty();
        let object = has_any.then(|| block_address(&world.input.tree, at)).flatten();
        let object = object.map(|address| address.to_string()).unwrap_or_default();
        if has_any {
            world.checks.declare(CheckKind::Resource, object.clone());
        }
        Self { world, resource, object }
    }

    /// Judges the pre- or the postconditions of an instance. Warnings are added to `told`.
    ///
    /// # Errors
    /// If one does not hold: everything that was told so far, with that.
    pub fn judge(
        &self,
        telling: Telling,
        scope: &dyn Scope,
        instance: &Instance,
        told: &mut Diagnostics,
    ) -> Result<(), Diagnostics> {
        let lifecycle = &self.resource.lifecycle;
        let is_before = telling.summary == Telling::PRECONDITION.summary;
        let conditions = if is_before { &lifecycle.preconditions } else { &lifecycle.postconditions };
        if conditions.is_empty() {
            return Ok(());
        }
        let judged = judge(conditions, scope, telling);
        let address = instance.address.to_string();
        self.world.checks.note(CheckKind::Resource, self.object.clone(), address, &judged);
        told.extend(judged.diagnostics);
        if told.has_errors() { Err(std::mem::take(told)) } else { Ok(()) }
    }
}
