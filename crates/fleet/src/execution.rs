//! Carries out a rollout: looks at the cluster, asks [`decide`] what is next, and does it.
//!
//! It decides nothing itself. Everything it remembers (what it started, what is drained) may be lost: the next run finds out
//! again. Every request that it makes may be repeated, so an agent that is started anew meanwhile does not end a rollout.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use agent_api::{
    ClientError, InstanceId, InstanceList, InstanceStatus, ServiceKey, ServiceSpec, ServiceStatus,
};
use engine::{Address, DeploymentId, Event, Events};
use futures_util::future::try_join_all;
use tokio::task::JoinSet;

use crate::agent_driver::Cluster;
use crate::publication::Publication;
use crate::rollout::{Action, Cause, Decision, Desired, Drain, Seen, Situation, Warmth, decide, is_healthy};
use crate::{RecordError, ServiceDescription, ServiceRecord, SpecHash};

/// How long an agent that does not answer is asked again. One that was killed is started anew within seconds.
const AGENT_GONE_MAX: Duration = Duration::from_secs(15);

/// The wait before it is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// The wait before the same actions are repeated.
const REPEAT: Duration = Duration::from_millis(50);

/// The weight of every instance: they share alike.
const WEIGHT: u32 = 100;

/// What a service is brought to.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) key: ServiceKey,
    /// What instances are made from; `None` if all of them go.
    pub(crate) description: Option<ServiceDescription>,
    pub(crate) desired: Desired,
    pub(crate) publication: Publication,
    /// The deployment that does it.
    pub(crate) deployment: DeploymentId,
}

/// Why a rollout came to no good end.
#[derive(Debug)]
pub(crate) enum Halt {
    /// What is wanted cannot be reached.
    Failed {
        cause: Cause,
        /// The instances as they were last seen.
        instances: Vec<InstanceStatus>,
    },
    /// The agent refused something, or is gone.
    Agent {
        /// What was asked of it, as in `start web-1`.
        doing: String,
        error: ClientError,
    },
    /// The service's record cannot be written.
    Record(RecordError),
}

/// What the agent said about requests in flight on an instance.
type DrainAnswer = (InstanceId, Result<agent_api::Drained, ClientError>);

/// A rollout that is being carried out.
pub(crate) struct Execution<'a> {
    cluster: &'a Cluster,
    target: &'a Target,
    address: &'a Address,
    events: &'a Events,
    /// The service as the agent keeps it.
    spec: ServiceSpec,
    /// Whether this run has seen the proxies acknowledge `spec`. One that a killed run wrote may not have reached them.
    acknowledged: bool,
    started: BTreeSet<InstanceId>,
    healthy: BTreeSet<InstanceId>,
    drained: BTreeSet<InstanceId>,
    draining: BTreeSet<InstanceId>,
    drains: JoinSet<DrainAnswer>,
    progress_ms: u64,
    performed: Vec<Action>,
    said: String,
}

impl<'a> Execution<'a> {
    /// Of a service that the agent keeps as `spec`.
    pub(crate) fn new(
        cluster: &'a Cluster,
        target: &'a Target,
        address: &'a Address,
        events: &'a Events,
        spec: ServiceSpec,
    ) -> Self {
        Self {
            cluster,
            target,
            address,
            events,
            spec,
            acknowledged: false,
            started: BTreeSet::new(),
            healthy: BTreeSet::new(),
            drained: BTreeSet::new(),
            draining: BTreeSet::new(),
            drains: JoinSet::new(),
            progress_ms: now_ms(),
            performed: Vec::new(),
            said: String::new(),
        }
    }

    /// Brings the instances and the balancer to the target. What is written about the service in the end is the caller's to
    /// write; it is answered as the agent keeps it.
    pub(crate) async fn run(mut self) -> (ServiceSpec, Result<(), Halt>) {
        let mut gone_since: Option<Instant> = None;
        let mut version = 0;
        let result = loop {
            match self.step(&mut version).await {
                Ok(true) => break Ok(()),
                Ok(false) => gone_since = None,
                Err(Halt::Agent { doing, error }) if error.status().is_none() => {
                    let since = *gone_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= AGENT_GONE_MAX {
                        break Err(Halt::Agent { doing, error });
                    }
                    // A new agent counts its versions anew.
                    version = 0;
                    self.acknowledged = false;
                    tokio::time::sleep(ASK_AGAIN).await;
                }
                Err(halt) => break Err(halt),
            }
        };
        (self.spec, result)
    }

    /// Looks once and does what is next. Whether the target is reached.
    async fn step(&mut self, version: &mut u64) -> Result<bool, Halt> {
        let list = self.look(0, 0).await?;
        *version = list.version;
        let situation = self.situation(&list.instances);
        match decide(&situation, now_ms()) {
            Decision::Done => Ok(true),
            Decision::Failed(cause) => Err(Halt::Failed { cause, instances: list.instances }),
            Decision::Act(actions) => {
                // An agent that has not noted yet what it was told is given a moment instead of being told in a circle.
                if actions == self.performed {
                    tokio::time::sleep(REPEAT).await;
                }
                self.performed.clone_from(&actions);
                self.perform(actions).await?;
                Ok(false)
            }
            Decision::Wait { until_ms, why } => {
                self.say(why);
                self.wait(*version, until_ms.saturating_sub(now_ms())).await?;
                Ok(false)
            }
        }
    }

    /// Waits until an instance changes, a drain ends, or the time is over.
    async fn wait(&mut self, version: u64, wait_ms: u64) -> Result<(), Halt> {
        if self.drains.is_empty() {
            self.look(version, wait_ms.max(1)).await?;
            return Ok(());
        }
        let client = self.cluster.client().clone();
        let key = self.target.key.clone();
        let changed =
            client.watch(&key.project, &key.environment, Some(&key.service), version, wait_ms.max(1));
        tokio::select! {
            drained = self.drains.join_next() => self.note_drained(drained),
            list = changed => {
                list.map_err(|error| Halt::Agent { doing: "watch the instances".into(), error })?;
            }
        }
        Ok(())
    }

    fn note_drained(&mut self, drained: Option<Result<DrainAnswer, tokio::task::JoinError>>) {
        if let Some(Ok((id, answer))) = drained {
            self.draining.remove(&id);
            match answer {
                Ok(drained) => {
                    if !drained.complete {
                        self.say(format!(
                            "{id} still had {} requests in flight when its drain time was up",
                            drained.in_flight
                        ));
                    }
                    self.drained.insert(id);
                }
                // Unknown to the agent: nothing is in flight on what is not there.
                Err(error) if error.status() == Some(404) => {
                    self.drained.insert(id);
                }
                // It is asked again at the next look.
                Err(error) => tracing::debug!(instance = %id, %error, "a drain was broken off"),
            }
        }
    }

    async fn look(&self, after: u64, wait_ms: u64) -> Result<InstanceList, Halt> {
        let (client, key) = (self.cluster.client(), &self.target.key);
        let list = if wait_ms == 0 {
            client.instances(&key.project, &key.environment, Some(&key.service)).await
        } else {
            client.watch(&key.project, &key.environment, Some(&key.service), after, wait_ms).await
        };
        list.map_err(|error| Halt::Agent { doing: "list the instances".into(), error })
    }

    fn situation(&mut self, instances: &[InstanceStatus]) -> Situation {
        let now_ms = now_ms();
        let seen = |it: &InstanceStatus| Seen {
            id: it.id.clone(),
            spec_hash: SpecHash::new(it.spec_hash.as_str()),
            phase: it.phase,
            ready_since_ms: it.ready_since_ms,
            serving: self.spec.serving.contains_key(&it.id),
            drain: match (self.drained.contains(&it.id), self.draining.contains(&it.id)) {
                (true, _) => Drain::Over,
                (false, true) => Drain::Waiting,
                (false, false) => Drain::NotAsked,
            },
            started_here: self.started.contains(&it.id),
            retires_at_ms: it.retires_at_ms,
        };
        let instances: Vec<Seen> = instances.iter().map(seen).collect();
        for seen in &instances {
            if is_healthy(seen, &self.target.desired, now_ms) && self.healthy.insert(seen.id.clone()) {
                self.progress_ms = now_ms;
            }
        }
        Situation { desired: self.target.desired.clone(), instances, progress_ms: self.progress_ms }
    }

    /// Does what is independent at once; the balancer is told of all of its changes in one request.
    async fn perform(&mut self, actions: Vec<Action>) -> Result<(), Halt> {
        let mut serving = self.spec.serving.clone();
        let (mut requests, mut drains) = (Vec::new(), Vec::new());
        let (mut starting, mut leaving) = (0_usize, false);
        for action in actions {
            match action {
                Action::Serve(id) => {
                    self.drained.remove(&id);
                    serving.insert(id, WEIGHT);
                }
                Action::Withdraw(id) => {
                    self.drained.remove(&id);
                    serving.remove(&id);
                }
                Action::Drain(id) => {
                    leaving = true;
                    drains.push(id);
                }
                Action::Start(id) => {
                    // Noted first: if the answer is lost it may have been started all the same.
                    self.started.insert(id.clone());
                    starting += 1;
                    requests.push(Action::Start(id));
                }
                Action::Stop(id) => {
                    leaving = true;
                    requests.push(Action::Stop(id));
                }
                Action::KeepWarm(_) | Action::Keep(_) => requests.push(action),
                Action::Remove(id) => {
                    self.progress_ms = now_ms();
                    requests.push(Action::Remove(id));
                }
            }
        }
        if starting > 0 {
            self.say(if starting == 1 {
                "starting 1 instance".into()
            } else {
                format!("starting {starting} instances")
            });
        }
        if serving != self.spec.serving || (leaving && !self.acknowledged) {
            self.publish(serving).await?;
        }
        for id in drains {
            self.drain(id);
        }
        let (cluster, target) = (self.cluster, self.target);
        try_join_all(requests.iter().map(|action| request(cluster, target, action))).await?;
        Ok(())
    }

    /// Tells the balancer who serves, and waits for its acknowledgement.
    async fn publish(&mut self, serving: BTreeMap<InstanceId, u32>) -> Result<(), Halt> {
        let ours = |id: &&InstanceId| self.target.desired.names.ordinal(id).is_some();
        let moved = serving.keys().any(|id| ours(&id)) || serving.is_empty();
        let mut spec = self.target.publication.meanwhile(&self.spec, moved);
        spec.serving = serving;
        if let Some(mut record) = ServiceRecord::from_written(&spec.written) {
            record.rolling = Some(self.target.deployment.clone());
            spec.written = record.to_written().map_err(Halt::Record)?;
        }
        put(self.cluster, &spec).await?;
        self.spec = spec;
        self.acknowledged = true;
        Ok(())
    }

    fn drain(&mut self, id: InstanceId) {
        let (client, wait_ms) = (self.cluster.client().clone(), self.spec.drain_ms);
        self.draining.insert(id.clone());
        self.drains.spawn(async move {
            let drained = client.drain(&id, wait_ms).await;
            (id, drained)
        });
    }

    /// Says where it stands, once.
    fn say(&mut self, message: String) {
        if message != self.said {
            self.events.send(Event::Progress { address: self.address.clone(), message: message.clone() });
            self.said = message;
        }
    }
}

/// One request about one instance.
async fn request(cluster: &Cluster, target: &Target, action: &Action) -> Result<(), Halt> {
    let client = cluster.client();
    let (verb, result) = match action {
        Action::Start(id) => {
            let Some(description) = &target.description else { return Ok(()) };
            let spec = description.instance_spec(id.clone(), target.key.clone(), &target.desired.spec_hash);
            ("start", client.start(&spec).await.map(drop))
        }
        Action::KeepWarm(id) => {
            let Warmth::Keep { for_ms } = target.desired.warmth else { return Ok(()) };
            ("keep warm", client.retire(id, now_ms().saturating_add(for_ms)).await.map(drop))
        }
        Action::Keep(id) => ("keep", client.keep(id).await.map(drop)),
        Action::Stop(id) => ("stop", client.stop(id).await.map(drop)),
        Action::Remove(id) => ("remove", client.remove(id).await),
        // The balancer is told by `publish`, and drains are waited for beside everything else.
        Action::Serve(_) | Action::Withdraw(_) | Action::Drain(_) => return Ok(()),
    };
    match result {
        Err(error) if error.status() == Some(404) && !matches!(action, Action::Start(_)) => Ok(()),
        Err(error) => Err(Halt::Agent { doing: format!("{verb} {}", action.id()), error }),
        Ok(()) => Ok(()),
    }
}

/// Writes a service.
pub(crate) async fn put(cluster: &Cluster, spec: &ServiceSpec) -> Result<ServiceStatus, Halt> {
    let doing = || format!("publish the service {}", spec.key.service);
    cluster.client().put_service(spec).await.map_err(|error| Halt::Agent { doing: doing(), error })
}

/// The time; Unix milliseconds. The agent's clock is this one: a cluster of this driver is this machine.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
