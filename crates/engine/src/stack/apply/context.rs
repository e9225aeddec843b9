//! What every operation of an apply needs and none changes.

use std::collections::HashMap;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use lang::configuration::{NodeId, Removed};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use super::ephemeral::Ephemerals;
use super::journal::Journal;
use super::result::About;
use super::sequence::BlockName;
use crate::stack::ResourceProvider;
use crate::stack::plan::{ResourceChange, StackPlan};
use crate::stack::provider::Remark;
use crate::stack::providers::ProviderId;
use crate::stack::world::{Each, Phase, Place, ResourceAt, World};
use crate::{Address, DeploymentId, Event, Events, Happened, StateRow};

/// Shared by all operations of one apply.
pub(super) struct Context<'a> {
    pub(super) plan: &'a StackPlan,
    pub(super) world: &'a World,
    pub(super) deployment: DeploymentId,
    pub(super) journal: Journal<'a>,
    pub(super) events: &'a Events,
    pub(super) cancel: &'a CancellationToken,
    /// As many providers and provisioners as may act at the same time.
    pub(super) permits: Semaphore,
    /// What the plan goes from, by address and deposed key.
    pub(super) prior: HashMap<(&'a Address, Option<&'a str>), &'a StateRow>,
    /// The resource blocks of all modules.
    pub(super) blocks: HashMap<BlockName, ResourceAt>,
    /// `removed` blocks that run something, with their modules.
    pub(super) removed: Vec<(NodeId, &'a Removed)>,
    /// What is open for the time of the apply.
    pub(super) ephemerals: Ephemerals,
}

/// Where the configuration describes an instance.
#[derive(Debug, Clone)]
pub(super) struct Located {
    /// The block.
    pub(super) at: ResourceAt,
    /// The instance of the module.
    pub(super) instance: usize,
    /// What `each` and `count` are.
    pub(super) each: Option<Each>,
}

impl<'a> Context<'a> {
    /// Whether nothing new may begin: somebody asked for that, or what is done could not be written down.
    pub(super) fn stops(&self) -> bool {
        self.cancel.is_cancelled() || self.journal.is_broken()
    }

    /// The right to let a provider or a provisioner act.
    pub(super) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.permits.acquire().await.ok()
    }

    /// Whether conditions count: where everything is removed, none does.
    pub(super) fn conditions_apply(&self) -> bool {
        self.world.phase != Phase::Destroy
    }

    /// What was there of what a change is about when the plan was made.
    pub(super) fn prior(&self, change: &ResourceChange) -> Option<&'a StateRow> {
        self.prior.get(&(&change.address, change.deposed.as_deref())).copied()
    }

    /// The configuration of a provider that a change names.
    pub(super) fn provider_id(&self, change: &ResourceChange) -> Option<ProviderId> {
        provider_id(self.world, &change.provider)
    }

    /// The provider of a change, configured.
    pub(super) fn provider(
        &self,
        change: &ResourceChange,
    ) -> Result<&'a Arc<dyn ResourceProvider>, Diagnostics> {
        let found = self.provider_id(change).and_then(|id| self.world.provider(id));
        found.ok_or_else(|| {
            let message =
                format!("Provider configuration not present: {} cannot be worked with", change.address);
            Diagnostic::error("provider-not-present", message)
                .because(format!("it was made with {}, which is not configured any more", change.provider))
                .hint(
                    "bring that provider's configuration back, apply, and then remove it with the resources",
                )
                .into()
        })
    }

    /// The version of the schema by which a provider now writes what a change is about.
    pub(super) fn schema_version(&self, change: &ResourceChange) -> u64 {
        let id = self.provider_id(change);
        let kind = id
            .and_then(|id| self.world.providers.kind(id, change.address.mode, change.address.kind.as_str()));
        kind.map_or(change.schema_version, |kind| kind.version)
    }

    /// Where an instance's block is evaluated.
    pub(super) fn place<'s>(&'s self, located: &'s Located) -> Place<'s> {
        self.world.place(located.at.node, located.instance).with_each(located.each.as_ref())
    }

    /// What a fault of the provider is about.
    pub(super) fn about<'s>(&self, change: &'s ResourceChange, located: Option<&Located>) -> About<'s> {
        let resource = located.and_then(|located| self.world.resource(located.at));
        About { change, span: resource.map(|resource| resource.header) }
    }

    /// What a provider said, with its places in the configuration where there is one.
    pub(super) fn told(
        &self,
        change: &ResourceChange,
        located: Option<&Located>,
        remarks: Vec<Remark>,
    ) -> Diagnostics {
        let resource = located.and_then(|located| self.world.resource(located.at));
        let about = change.address.to_string();
        match resource {
            Some(resource) => {
                crate::stack::world::tell_remarks(remarks, &resource.body, Some(resource.header), &about)
            }
            None => {
                let tell = |remark: Remark| {
                    let told = if remark.is_error {
                        Diagnostic::error("provider-says", remark.summary)
                    } else {
                        Diagnostic::warning("provider-says", remark.summary)
                    };
                    let told = told.about(about.clone());
                    if remark.detail.is_empty() { told } else { told.because(remark.detail) }
                };
                Diagnostics(remarks.into_iter().map(tell).collect())
            }
        }
    }

    /// Something happened to an object. `deposed`: the key of the object where it is not the one that the change names.
    pub(super) fn tell(&self, change: &ResourceChange, deposed: Option<&Arc<str>>, happened: Happened) {
        self.events.send(Event::Object {
            address: change.address.clone(),
            deposed: deposed.or(change.deposed.as_ref()).cloned(),
            happened,
        });
    }
}

/// The configuration of a provider by its text in the state.
pub(super) fn provider_id(world: &World, text: &str) -> Option<ProviderId> {
    world.providers.of_state(text)
}
