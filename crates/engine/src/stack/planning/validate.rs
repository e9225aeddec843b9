//! What is wrong with a stack whatever the values are: every block is described once for all of its instances, with unknown in place of
//! everything that only a plan or an apply tells. Providers are asked what they say to that, and are not configured.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use diag::{Diagnostic, Diagnostics};
use lang::configuration::IgnoreChanges;
use lang::schema::decode;
use value::{Marks, Value};

use super::instances::Instance;
use super::marks::{first_marked, plain};
use super::object::Asking;
use crate::Mode;
use crate::stack::StackInput;
use crate::stack::provider::Part;
use crate::stack::walk::{Step, Steps, Visitor, walk};
use crate::stack::world::{Phase, ResourceAt, World, validate_conditions};

/// Everything that is wrong with a stack whatever the values are.
pub async fn validate(input: Arc<StackInput>) -> Diagnostics {
    validated(input, Validator { only: None }).await
}

/// The same of a few resources, where a plan has found nothing wrong with the others, nor with any provider's configuration.
pub(super) async fn validate_only(input: Arc<StackInput>, only: HashSet<ResourceAt>) -> Diagnostics {
    validated(input, Validator { only: Some(only) }).await
}

async fn validated(input: Arc<StackInput>, validator: Validator) -> Diagnostics {
    let tree = input.tree.clone();
    let (world, mut told) = World::open(input, Phase::Validate, &BTreeSet::new()).await;
    if told.has_errors() {
        return told;
    }
    match Steps::new(&tree, &world.providers) {
        Ok(steps) => {
            let world = Arc::new(world);
            told.extend(walk(world.clone(), Arc::new(steps), Arc::new(validator), PARALLELISM).await);
            let mut unknown = super::written::unknown_attributes(&world);
            let is_told =
                |it: &Diagnostic| told.0.iter().any(|known| known.code == it.code && known.span == it.span);
            unknown.0.retain(|fault| !is_told(fault));
            told.extend(unknown);
            told.extend(super::imports::validate(&world));
        }
        Err(faults) => told.extend(faults),
    }
    // To Terraform it is a number, which only a plan cannot keep.
    told.0.retain(|fault| fault.code != "division-by-zero");
    told
}

/// How many blocks at once.
const PARALLELISM: usize = 10;

struct Validator {
    /// Resources that are looked at; `None`: everything is.
    only: Option<HashSet<ResourceAt>>,
}

#[async_trait]
impl Visitor for Validator {
    async fn resource(&self, world: &Arc<World>, at: ResourceAt) -> Diagnostics {
        let mut told = Diagnostics::default();
        let is_looked_at = self.only.as_ref().is_none_or(|only| only.contains(&at));
        if let Err(faults) = block(world, at, is_looked_at, &mut told).await {
            told.extend(if faults.is_empty() { crate::stack::world::failed() } else { faults });
        }
        told
    }

    async fn own(&self, _: &Arc<World>, _: u32) -> Diagnostics {
        Diagnostics::default()
    }

    fn wants(&self, step: Step) -> bool {
        self.only.is_none() || !matches!(step, Step::Provider(_))
    }

    fn is_broken(&self, world: &World, step: Step) -> bool {
        super::written::is_broken(world, step)
    }
}

/// `is_looked_at`: whether more is wanted than that others can refer to it.
async fn block(
    world: &World,
    at: ResourceAt,
    is_looked_at: bool,
    told: &mut Diagnostics,
) -> Result<(), Diagnostics> {
    let (id, kind) = world.made_by(at)?;
    let (Some(resource), Some(provider), Some(configured)) =
        (world.resource(at), world.providers.unconfigured(id), world.providers.get(id))
    else {
        return Ok(());
    };
    let expansions = world.expand_resource(at)?;
    let mut instances = Instance::all(world, at, expansions)?;
    // One instance stands for all: they have one description.
    instances.truncate(1);
    let mut values = Vec::new();
    let mark = if resource.mode == Mode::Ephemeral { Marks::EPHEMERAL } else { Marks::NONE };
    let seen = kind.block.with_sensitive(&Value::unknown(kind.block.ty())).with_marks(mark);
    for expansion in expansions {
        values.push(expansion.compose(vec![seen.clone(); expansion.len()]));
    }
    world.set_resource(at, values);
    if !is_looked_at {
        return Ok(());
    }
    for one in &instances {
        let place = one.place(world, at);
        let (word, part) = match resource.mode {
            Mode::Managed => ("resource", Part::Managed),
            Mode::Data => ("data", Part::Data),
            Mode::Ephemeral => ("ephemeral", Part::Ephemeral),
        };
        let what = format!("{word} \"{}\" \"{}\"", resource.kind.name, resource.name.name);
        let decoded = decode(&resource.body, resource.header, &what, &kind.block, &[], &place);
        let is_wrong = decoded.diagnostics.has_errors();
        told.extend(decoded.diagnostics);
        told.extend(super::provisioners::check(world, at, resource, one));
        let lifecycle = &resource.lifecycle;
        told.extend(validate_conditions(&lifecycle.preconditions, &place));
        told.extend(validate_conditions(&lifecycle.postconditions, &place.with_self(&seen)));
        if is_wrong {
            continue;
        }
        if resource.mode == Mode::Managed {
            let kept = kind.block.without_write_only(&decoded.value);
            if let Some(path) = first_marked(&kept, Marks::EPHEMERAL) {
                told.push(super::decide::keeps_ephemeral(resource, &one.address, &path));
            }
            if let IgnoreChanges::Places(_) = &lifecycle.ignore_changes {
                told.extend(super::decide::unknown_ignored(resource, &kind.block));
                told.extend(super::ignored::redundant(resource, &kind.block));
            }
        }
        let asking =
            Asking { provider, text: &configured.text, kind, block: Some((&resource.body, resource.header)) };
        let remarks = provider.validate(part, resource.kind.name.as_ref(), &plain(&decoded.value)).await;
        told.extend(asking.told(&one.address, remarks));
    }
    Ok(())
}
