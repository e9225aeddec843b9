//! The instances of a resource block that are described, planned one by one or many at once.

use async_trait::async_trait;
use diag::Diagnostics;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use value::Value;

use super::planner::Found;
use crate::Address;
use crate::stack::world::{Each, Expansion, Place, ResourceAt, World, failed};

/// One instance that is described.
pub(super) struct Instance {
    /// The instance of the module.
    pub module: usize,
    pub each: Option<Each>,
    pub address: Address,
}

/// What came of one instance.
pub(super) struct One {
    pub found: Found,
    /// What others see of it.
    pub value: Value,
    /// Warnings.
    pub told: Diagnostics,
}

/// What is done with each instance.
#[async_trait]
pub(super) trait EachInstance: Sync {
    async fn one(&self, instance: &Instance) -> Result<One, Diagnostics>;
}

impl Instance {
    /// All instances of a block.
    pub fn all(world: &World, at: ResourceAt, expansions: &[Expansion]) -> Result<Vec<Self>, Diagnostics> {
        let mut all = Vec::with_capacity(expansions.iter().map(Expansion::len).sum());
        for (module, expansion) in expansions.iter().enumerate() {
            for each in expansion.instances() {
                let Some(address) = world.address(at, module, each.as_ref()) else { return Err(failed()) };
                all.push(Self { module, each, address });
            }
        }
        Ok(all)
    }

    /// Where its block is evaluated.
    pub fn place<'s>(&'s self, world: &'s World, at: ResourceAt) -> Place<'s> {
        world.place(at.node, self.module).with_each(self.each.as_ref())
    }
}

/// Plans all instances, and sets what others see of the resource. Faults are added to `told`; what was found of the other
/// instances counts all the same.
pub(super) async fn plan_each(
    world: &World,
    at: ResourceAt,
    instances: &[Instance],
    parallelism: usize,
    planning: &dyn EachInstance,
    told: &mut Diagnostics,
) -> Found {
    let mut found = Found::default();
    let expansions = world.expansions(at).unwrap_or_default();
    let mut values: Vec<Vec<Value>> = expansions.iter().map(|it| Vec::with_capacity(it.len())).collect();
    let mut is_failed = false;
    let mut add = |module: usize, planned: Result<One, Diagnostics>| match planned {
        Ok(one) => {
            told.extend(one.told);
            found.extend(one.found);
            if let Some(values) = values.get_mut(module) {
                values.push(one.value);
            }
        }
        Err(faults) => {
            is_failed = true;
            told.extend(if faults.is_empty() { failed() } else { faults });
        }
    };
    if let [one] = instances {
        add(one.module, planning.one(one).await);
    } else {
        // As many as may ask at once; boxed, since closures over futures of borrowed things are more than the compiler can follow.
        let planned: Vec<BoxFuture<'_, _>> = instances.iter().map(|one| planning.one(one)).collect();
        let mut planned = futures_util::stream::iter(planned).buffered(parallelism);
        let mut modules = instances.iter().map(|one| one.module);
        while let (Some(one), Some(module)) = (planned.next().await, modules.next()) {
            add(module, one);
        }
    }
    if !is_failed {
        let seen =
            expansions.iter().zip(values).map(|(expansion, values)| expansion.compose(values)).collect();
        world.set_resource(at, seen);
    }
    found
}
