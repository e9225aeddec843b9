//! Applying a planned change to a service: the image first, then the rollout, then the record; and back if it fails.

use std::collections::BTreeMap;
use std::error::Error as _;

use agent_api::{ServiceKey, ServiceSpec, ServiceStatus};
use diag::{Diagnostic, Diagnostics};
use engine::{Action, ApplyFailure, ApplyRequest, ClusterName, DeploymentId, Event, Events};
use value::Value;

use crate::agent_driver::{Cluster, PullError};
use crate::execution::{Execution, Halt, Target, put};
use crate::failure;
use crate::fleet::Fleet;
use crate::observation::addresses;
use crate::publication::Publication;
use crate::record::{is_opaque, with_attributes, without_computed};
use crate::rollout::{Desired, Warmth};
use crate::{InstanceNames, ServiceDescription, SpecHash, Strategy};

/// How a rollout goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// As the description says.
    Careful,
    /// Back to what was proven before: as fast as readiness allows, and all at once.
    Back,
    /// The same, away from instances that have just failed: those leave the balancer first.
    Rescue,
}

/// One change of one service, and where.
struct Change<'a> {
    fleet: &'a Fleet,
    request: &'a ApplyRequest,
    /// What was there before, by whomever.
    before: Option<Value>,
    events: &'a Events,
    name: &'a ClusterName,
    cluster: &'a Cluster,
    key: ServiceKey,
}

impl Fleet {
    /// Makes a planned change real.
    pub(crate) async fn roll(
        &self,
        request: &ApplyRequest,
        events: &Events,
    ) -> Result<Option<Value>, ApplyFailure> {
        let untouched = |diagnostic: Box<Diagnostic>| ApplyFailure {
            diagnostic,
            state: request.before.clone(),
            reverted: true,
        };
        let (name, cluster) = self.cluster(&request.address).map_err(untouched)?;
        let observed = self.observed(name, &request.address).await;
        let observed = observed.map_err(|faults| untouched(first(faults).into()))?;
        // One that somebody else made is taken over: if that fails it is theirs again, and not removed.
        let before = request.before.clone().or_else(|| observed.as_ref()?.live(None));
        let spec = observed.map(|it| it.status.spec);
        let change =
            Change { fleet: self, request, before, events, name, cluster, key: self.key(&request.address) };
        match (request.action, &request.after) {
            (Action::None, after) => Ok(after.clone()),
            (Action::Delete, _) | (_, None) => change.delete(spec).await.map(|()| None),
            (Action::Create | Action::Update, Some(after)) => change.converge(after, spec).await.map(Some),
        }
    }
}

fn first(faults: Diagnostics) -> Diagnostic {
    faults
        .into_iter()
        .next()
        .unwrap_or_else(|| Diagnostic::error("agent-unreachable", "the cluster could not be read"))
}

impl Change<'_> {
    async fn converge(&self, after: &Value, spec: Option<ServiceSpec>) -> Result<Value, ApplyFailure> {
        let before = &self.request.before;
        let untouched =
            |diagnostic: Box<Diagnostic>| ApplyFailure { diagnostic, state: before.clone(), reverted: true };
        let pace = if self.request.taking_back { Pace::Back } else { Pace::Careful };
        let target = self.target(after, pace).map_err(untouched)?;
        self.pull(&target).await.map_err(untouched)?;
        match self.move_to(&target, after, spec).await {
            Ok(status) => Ok(completed(after, &status, &target)),
            Err((halt, spec)) => {
                let diagnostic =
                    failure::report(&halt, self.cluster, self.name, &self.request.address, &target).await;
                if self.request.taking_back {
                    return Err(self.left(diagnostic).await);
                }
                Err(self.take_back(diagnostic, spec).await)
            }
        }
    }

    /// Brings the service to a target, and writes it down. What the agent keeps is noted whatever comes.
    async fn move_to(
        &self,
        target: &Target,
        described: &Value,
        spec: Option<ServiceSpec>,
    ) -> Result<ServiceStatus, (Halt, Option<ServiceSpec>)> {
        let record = target
            .publication
            .record(&self.request.address, &self.request.deployment, &target.desired.spec_hash, described)
            .map_err(|error| (Halt::Record(error), spec.clone()))?;
        let spec = match spec {
            Some(spec) => spec,
            None => {
                // Written before anything is started, so that whatever a killed run leaves behind has a name.
                let unserved = target.publication.unserved(&self.key, &record);
                let unserved = unserved.map_err(|error| (Halt::Record(error), None))?;
                let status = put(self.cluster, &unserved).await.map_err(|halt| (halt, None))?;
                self.fleet.note(self.name, &self.request.address, Some(status));
                unserved
            }
        };
        let execution = Execution::new(self.cluster, target, &self.request.address, self.events, spec);
        let (spec, result) = execution.run().await;
        self.fleet.note_spec(self.name, &self.request.address, spec.clone());
        result.map_err(|halt| (halt, Some(spec.clone())))?;
        let settled = target.publication.settled(&spec, &record);
        let settled = settled.map_err(|error| (Halt::Record(error), Some(spec.clone())))?;
        let status = put(self.cluster, &settled).await.map_err(|halt| (halt, Some(spec)))?;
        self.fleet.note(self.name, &self.request.address, Some(status.clone()));
        Ok(status)
    }

    /// Takes a failed change back: to what was before, or to nothing.
    async fn take_back(&self, diagnostic: Box<Diagnostic>, spec: Option<ServiceSpec>) -> ApplyFailure {
        self.say("taking it back");
        let result = match &self.before {
            None => self.remove_all(spec).await,
            Some(before) => self.restore(before, spec).await,
        };
        match result {
            Ok(()) => ApplyFailure { diagnostic, state: self.request.before.clone(), reverted: true },
            Err(second) => {
                let detail = diagnostic.detail.clone().unwrap_or_default();
                let both = diagnostic.because(format!("{detail}\nand it could not be taken back: {second}"));
                self.left(both.into()).await
            }
        }
    }

    async fn restore(&self, before: &Value, spec: Option<ServiceSpec>) -> Result<(), Box<Diagnostic>> {
        if is_opaque(before) {
            let message = "a secret of what was before is not known here";
            return Err(Diagnostic::error("unknown-secret", message)
                .hint("apply an earlier revision with its values")
                .into());
        }
        let target = self.target(before, Pace::Rescue)?;
        self.pull(&target).await?;
        match self.move_to(&target, before, spec).await {
            Ok(_) => Ok(()),
            Err((halt, _)) => {
                Err(failure::report(&halt, self.cluster, self.name, &self.request.address, &target).await)
            }
        }
    }

    async fn delete(&self, spec: Option<ServiceSpec>) -> Result<(), ApplyFailure> {
        match self.remove_all(spec).await {
            Ok(()) => Ok(()),
            Err(diagnostic) => Err(self.left(diagnostic).await),
        }
    }

    /// Withdraws, drains, stops and removes every instance, and then the service.
    async fn remove_all(&self, spec: Option<ServiceSpec>) -> Result<(), Box<Diagnostic>> {
        // Without a record there may still be instances of a killed run.
        let spec = spec.unwrap_or_else(|| ServiceSpec {
            key: self.key.clone(),
            written: serde_json::Value::Null,
            ports: Vec::new(),
            routes: Vec::new(),
            serving: BTreeMap::new(),
            drain_ms: self.fleet.defaults.drain_ms,
        });
        let target = nothing(&spec, &self.request.deployment, self.fleet.defaults.progress_deadline_ms);
        let execution = Execution::new(self.cluster, &target, &self.request.address, self.events, spec);
        let (spec, result) = execution.run().await;
        let removed = match result {
            Ok(()) => self.cluster.client().remove_service(&self.key).await.map_err(|error| Halt::Agent {
                doing: format!("remove the service {}", self.key.service),
                error,
            }),
            Err(halt) => Err(halt),
        };
        match removed {
            Ok(()) => {
                self.fleet.note(self.name, &self.request.address, None);
                Ok(())
            }
            Err(halt) => {
                self.fleet.note_spec(self.name, &self.request.address, spec);
                Err(failure::report(&halt, self.cluster, self.name, &self.request.address, &target).await)
            }
        }
    }

    /// A failure that leaves something behind: the state is what is live now, as far as it can be read.
    async fn left(&self, diagnostic: Box<Diagnostic>) -> ApplyFailure {
        let (before, after) = (&self.request.before, &self.request.after);
        let mut state = before.clone();
        if self.fleet.observe([self.name].into()).await.is_ok() {
            let known = [before.as_ref(), after.as_ref()];
            state = self.fleet.seen(self.name, &self.request.address).and_then(|observed| {
                // Secrets are recognised from whichever of the two the agent's record is of.
                let mut lives = known.into_iter().flatten().filter_map(|known| observed.live(Some(known)));
                lives.find(|live| !is_opaque(live)).or_else(|| observed.live(None))
            });
        }
        ApplyFailure { diagnostic, state, reverted: false }
    }

    fn target(&self, described: &Value, pace: Pace) -> Result<Target, Box<Diagnostic>> {
        let address = self.request.address.to_string();
        let described = without_computed(described);
        let description = ServiceDescription::read(&described, &self.fleet.defaults).map_err(|faults| {
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            Diagnostic::error("bad-service", faults.join("; ")).about(address)
        })?;
        let spec_hash = description.spec_hash();
        let rollout = &description.rollout;
        let replicas = description.replicas;
        let careful = pace == Pace::Careful;
        let at_once = careful && rollout.strategy == Strategy::BlueGreen;
        let desired = Desired {
            names: InstanceNames::new(&self.key, &spec_hash),
            spec_hash,
            replicas,
            surge: if careful && !at_once { rollout.surge.of(replicas) } else { replicas.max(1) },
            min_healthy_ms: if careful { rollout.min_healthy_ms } else { 0 },
            progress_deadline_ms: rollout.progress_deadline_ms,
            leave_ms: description.leave_ms(),
            // What is taken back has failed, or moved with something that has.
            warmth: match rollout.warm_ms {
                0 => Warmth::Off,
                _ if !careful => Warmth::Leave,
                for_ms => Warmth::Keep { for_ms },
            },
            at_once,
            distrust_others: pace == Pace::Rescue,
        };
        Ok(Target {
            key: self.key.clone(),
            desired,
            publication: Publication::of(&description),
            description: Some(description),
            deployment: self.request.deployment.clone(),
        })
    }

    /// Brings the image into the cluster. A failure here changes nothing.
    async fn pull(&self, target: &Target) -> Result<(), Box<Diagnostic>> {
        let Some(digest) = target.description.as_ref().and_then(ServiceDescription::image_digest) else {
            return Ok(());
        };
        self.say("bringing the image");
        self.fleet.pull(self.name, self.cluster, digest).await.map_err(|error| {
            if let PullError::Agent(error) = &error {
                let doing = format!("take the image {digest}");
                return crate::agent_driver::fault(self.name, &doing, error)
                    .about(self.request.address.to_string());
            }
            let cause =
                error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
            Diagnostic::error(
                "image-missing",
                format!("the image {digest} could not be brought to the cluster"),
            )
            .about(self.request.address.to_string())
            .because(cause)
            .hint("build it again with `mainstay image build`, or roll back to a release that is there")
        })?;
        Ok(())
    }

    fn say(&self, message: &str) {
        self.events.send(Event::Progress { address: self.request.address.clone(), message: message.into() });
    }
}

/// The target of what is to go.
fn nothing(spec: &ServiceSpec, deployment: &DeploymentId, progress_deadline_ms: u64) -> Target {
    let spec_hash = SpecHash::new("");
    Target {
        key: spec.key.clone(),
        description: None,
        desired: Desired {
            names: InstanceNames::new(&spec.key, &spec_hash),
            spec_hash,
            replicas: 0,
            surge: 1,
            min_healthy_ms: 0,
            progress_deadline_ms,
            leave_ms: spec
                .ports
                .iter()
                .filter_map(|port| port.upgraded_drain_ms)
                .fold(spec.drain_ms, u64::max),
            warmth: Warmth::Off,
            at_once: false,
            distrust_others: false,
        },
        publication: Publication {
            ports: spec.ports.clone(),
            routes: spec.routes.clone(),
            drain_ms: spec.drain_ms,
        },
        deployment: deployment.clone(),
    }
}

/// The description with what the agent tells of it.
fn completed(described: &Value, status: &ServiceStatus, target: &Target) -> Value {
    let (address, addresses) = addresses(&status.addresses, &target.publication.ports);
    with_attributes(described, [("address", address), ("addresses", addresses)])
}
