//! Applying: under the lock, what a killed run left is settled, then a plan is made real and written down.

use std::path::PathBuf;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use engine::stack::apply::Counts;
use engine::{
    ApplyOptions, Deployment, DeploymentKind, DeploymentOutcome, Execution, Hold, Leases, Plan, Settlement,
    Target,
};
use fleet::TagsAnew;
use value::Value;

use crate::environments::PlannedOutputs;
use crate::infrastructure::{self, Infrastructure};
use crate::lease::{Held, hold};
use crate::planning::{PlanOptions, Planned, Watch, plan_description};
use crate::session::Description;
use crate::{Fault, Session, clock, holds, lease, read_plan, registries};

/// What to apply.
#[derive(Debug, Clone, Default)]
pub struct ApplyRequest {
    /// A saved plan; without it a new one is made.
    pub saved: Option<PathBuf>,
    /// Only these and what they depend on; none: all.
    pub targets: Vec<Target>,
    /// Whether pins of services that change are let go.
    pub unpins: bool,
}

/// What came of a deployment.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was to be done.
    pub plan: Plan,
    /// What was done to the infrastructure: how many objects; none where nothing was.
    pub infrastructure: Option<Counts>,
    /// What was done, as the ledger has it; `None` if there was nothing to do.
    pub deployment: Option<Deployment>,
    /// Why something was not done.
    pub faults: Diagnostics,
    /// The environment's outputs now.
    pub outputs: Vec<(String, Value)>,
}

impl Report {
    /// Whether everything stands as it was asked for.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.deployment.as_ref().is_none_or(|d| d.outcome == Some(DeploymentOutcome::Succeeded))
    }
}

/// Makes the configuration real in the environments, one after the other, each with what those before it have become; or a saved
/// plan in its one environment. `confirm` sees all plans first and may refuse them; `None` is answered then. Where one environment
/// fails, those after it are left as they were, and have no report.
///
/// # Errors
/// If nothing could be tried. What was tried and failed is in the reports.
pub async fn apply(
    sessions: &[Session],
    request: ApplyRequest,
    watch: &Watch,
    confirm: impl FnOnce(&[Planned]) -> Result<bool, Fault>,
) -> Result<Option<Vec<Report>>, Fault> {
    let mut locks = Vec::new();
    let result = async {
        for session in sessions {
            locks.push(Locked::enter(session, "apply", watch).await?.unpinning(request.unpins));
        }
        let plans = match (&request.saved, sessions) {
            (Some(path), [session]) => vec![saved(session, path).await?],
            (Some(_), _) => {
                return Err(Fault::usage(
                    "a saved plan is of one environment",
                    "name that one with `--env`, or leave the plan out",
                ));
            }
            (None, _) => plans(&locks, request.targets).await?,
        };
        if !confirm(&plans)? {
            return Ok(None);
        }
        let mut reports = Vec::new();
        for (locked, planned) in locks.iter().zip(plans) {
            let report = locked.execute(planned, DeploymentKind::Apply, |_| Ok(true)).await?;
            reports.extend(report);
            if reports.last().is_some_and(|report| !report.succeeded()) {
                break;
            }
        }
        Ok(Some(reports))
    }
    .await;
    let mut released = Ok(());
    for locked in locks.into_iter().rev() {
        released = locked.leave(released).await;
    }
    let reports = result?;
    released?;
    Ok(reports)
}

/// The plans of all that are locked, each with what those before it will be.
async fn plans(locks: &[Locked<'_>], targets: Vec<Target>) -> Result<Vec<Planned>, Fault> {
    let mut options = PlanOptions { targets, ..PlanOptions::default() };
    let mut plans = Vec::new();
    for locked in locks {
        let session = locked.session;
        let releases = session.store.releases(&session.environment).await?;
        let planned = locked.plan(session.description.clone(), releases, &options).await?;
        options.environments.insert(session.environment.to_string(), planned.outputs());
        plans.push(planned);
    }
    Ok(plans)
}

/// A saved plan with the configuration that it was made from.
async fn saved(session: &Session, path: &std::path::Path) -> Result<Planned, Fault> {
    let (plan, infrastructure, revision) = read_plan(session, path)?;
    let snapshot = session.store.snapshot(&session.environment).await?;
    if snapshot.serial != plan.base_serial {
        return Err(Fault::failed(
            Diagnostic::error(
                "stale-plan",
                "the plan is out of date: the state has changed since it was made",
            )
            .about(path.display().to_string())
            .because(format!(
                "it was made from serial {}, the state is at {}",
                plan.base_serial, snapshot.serial
            ))
            .hint("make a new one with `mainstay plan --out FILE`"),
        ));
    }
    let description = Arc::new(session.earlier(&revision)?);
    let infrastructure = match infrastructure {
        Some(plan) => Some(session.saved_infrastructure(&description, plan).await?),
        None => None,
    };
    let changes_infrastructure =
        infrastructure.as_ref().is_some_and(|it| infrastructure::has_changes(&it.plan, &snapshot));
    Ok(Planned { plan, infrastructure, changes_infrastructure, revision, description })
}

/// An environment while its lock is held.
pub(crate) struct Locked<'a> {
    session: &'a Session,
    watch: &'a Watch,
    held: Held,
    settled: Vec<Settlement>,
    unpins: bool,
}

impl<'a> Locked<'a> {
    /// Takes the lock, and settles what a killed run left open.
    pub async fn enter(session: &'a Session, reason: &str, watch: &'a Watch) -> Result<Locked<'a>, Fault> {
        let leases: Arc<dyn Leases> = session.store.clone();
        let held = hold(leases, &session.environment, reason).await?;
        let releases = session.store.releases(&session.environment).await?;
        let providers = session.providers(&session.description, &releases);
        let settled =
            engine::settle(&session.environment, &providers, session.store.as_ref(), &watch.events).await;
        let notes = session.settle_infrastructure(watch).await;
        match settled.and_then(|settled| {
            notes.map_err(|fault| fault.diagnostics().clone()).map(|notes| (settled, notes))
        }) {
            Ok((settled, notes)) => {
                for note in notes {
                    watch.events.send(engine::Event::Step { message: told(&note) });
                }
                interrupted(session).await?;
                Ok(Locked { session, watch, held, settled, unpins: false })
            }
            Err(faults) => {
                held.release().await?;
                Err(Fault::Failed(faults))
            }
        }
    }

    /// Whether pins of services that change are let go.
    pub fn unpinning(self, unpins: bool) -> Self {
        Self { unpins, ..self }
    }

    /// Plans a description under the lock.
    pub async fn plan(
        &self,
        description: Arc<Description>,
        releases: std::collections::BTreeMap<String, engine::Release>,
        options: &PlanOptions,
    ) -> Result<Planned, Fault> {
        let options = PlanOptions { is_locked: true, ..options.clone() };
        plan_description(self.session, description, releases, &options, self.settled.clone(), self.watch)
            .await
    }

    /// Makes a plan real and writes it down.
    pub async fn execute(
        &self,
        planned: Planned,
        kind: DeploymentKind,
        confirm: impl FnOnce(&Planned) -> Result<bool, Fault>,
    ) -> Result<Option<Report>, Fault> {
        let held = holds::holds(self.session).await?;
        let held = holds::heed(&planned.plan, planned.changes_infrastructure, kind, self.unpins, held)?;
        if !confirm(&planned)? {
            return Ok(None);
        }
        let session = self.session;
        let has_changes = planned.has_changes();
        let Planned { mut plan, infrastructure, changes_infrastructure, revision, description } = planned;
        let environment = &session.environment;
        let before = session.store.releases(environment).await?;
        if !has_changes {
            return self.nothing_to_do(plan, &revision, &before).await.map(Some);
        }
        let fleet = Arc::new(session.fleet_of(&description, &revision.releases, TagsAnew::None));
        // Before anything is changed or written down: an image that cannot be had changes nothing.
        registries::fetch_images(session, &fleet, &plan, self.watch).await?;
        let mut deployment = self.begin(kind, &revision, &before, held).await?;
        let providers: engine::Providers = vec![fleet];
        let cancel = self.watch.cancel.child_token();
        let lost = self.held.lost.clone();
        let guard = cancel.clone();
        let watcher = tokio::spawn(async move {
            lost.cancelled().await;
            guard.cancel();
        });
        // What services run on is made before them, and removed after them.
        let destroys = kind == DeploymentKind::Destroy;
        let stacks = infrastructure.as_ref().map(|it| it.plan.stacks.clone()).unwrap_or_default();
        let mut others = session.other_outputs(&description, stacks, &PlannedOutputs::default()).await?;
        let mut faults = Diagnostics::default();
        let mut counts = None;
        let mut infrastructure = infrastructure.filter(|_| changes_infrastructure);
        if let Some(made) = infrastructure.take_if(|_| !destroys) {
            let applied = session
                .apply_infrastructure(&made, &deployment.id, others.environments.clone(), self.watch, &cancel)
                .await;
            others.stacks = applied.stacks;
            plan.base_serial = applied.serial;
            counts = Some(applied.counts);
            let failed = applied.diagnostics.has_errors();
            faults.extend(placed(applied.diagnostics, &made));
            if failed {
                watcher.abort();
                if revision.releases != before {
                    session.store.put_releases(environment, &before).await?;
                }
                return self.ended(deployment, plan, counts, faults).await.map(Some);
            }
        }
        let execution = Execution {
            plan: &plan,
            configuration: &description.configuration,
            files: description.files.as_ref(),
            variables: &description.variables,
            others: &others,
            providers: &providers,
            store: session.store.as_ref(),
            options: ApplyOptions::new(deployment.id.clone()),
        };
        let applied = engine::apply(execution, &self.watch.events, &cancel).await;
        let mut outcome = applied.outcome;
        if let Some(mut gone) = infrastructure.filter(|_| outcome == DeploymentOutcome::Succeeded) {
            // The services' outputs were written since the plan was made.
            gone.plan.base_serial = session.store.snapshot(environment).await?.serial;
            let removed = session
                .apply_infrastructure(&gone, &deployment.id, others.environments.clone(), self.watch, &cancel)
                .await;
            counts = Some(removed.counts);
            if removed.diagnostics.has_errors() {
                outcome = DeploymentOutcome::Failed;
            }
            faults.extend(placed(removed.diagnostics, &gone));
        }
        watcher.abort();
        if outcome != DeploymentOutcome::Succeeded && revision.releases != before {
            session.store.put_releases(environment, &before).await?;
        }
        deployment.finished_at_ms = Some(clock::now_ms());
        deployment.outcome = Some(outcome);
        if kind == DeploymentKind::Rollback && outcome == DeploymentOutcome::Succeeded {
            deployment.holds = holds::pinned_by_rollback(&deployment, &applied.cells);
        }
        deployment.cells = applied.cells;
        session.store.put_deployment(environment, &deployment).await?;
        faults.extend(applied.faults);
        Ok(Some(Report {
            plan,
            infrastructure: counts,
            deployment: Some(deployment),
            faults,
            outputs: applied.outputs,
        }))
    }

    /// Writes down that a deployment begins, and of what.
    async fn begin(
        &self,
        kind: DeploymentKind,
        revision: &engine::Revision,
        before: &std::collections::BTreeMap<String, engine::Release>,
        holds: Vec<Hold>,
    ) -> Result<Deployment, Fault> {
        let (store, environment) = (&self.session.store, &self.session.environment);
        store.put_revision(environment, revision).await?;
        let deployment = Deployment {
            id: clock::deployment_id(clock::now_ms()),
            kind,
            revision: (kind != DeploymentKind::Destroy).then(|| revision.id.clone()),
            who: lease::who(),
            started_at_ms: clock::now_ms(),
            finished_at_ms: None,
            outcome: None,
            cells: Vec::new(),
            holds,
        };
        store.put_deployment(environment, &deployment).await?;
        // The releases are pinned before they are rolled out: a run that is killed in between goes on forwards.
        if revision.releases != *before {
            store.put_releases(environment, &revision.releases).await?;
        }
        Ok(deployment)
    }

    /// A deployment that ended before the services were come to.
    async fn ended(
        &self,
        mut deployment: Deployment,
        plan: Plan,
        infrastructure: Option<Counts>,
        faults: Diagnostics,
    ) -> Result<Report, Fault> {
        let environment = &self.session.environment;
        deployment.finished_at_ms = Some(clock::now_ms());
        deployment.outcome = Some(DeploymentOutcome::Failed);
        self.session.store.put_deployment(environment, &deployment).await?;
        let outputs = self.session.store.snapshot(environment).await?.outputs;
        Ok(Report { plan, infrastructure, deployment: Some(deployment), faults, outputs })
    }

    /// Outputs and pins may still have changed.
    async fn nothing_to_do(
        &self,
        plan: Plan,
        revision: &engine::Revision,
        before: &std::collections::BTreeMap<String, engine::Release>,
    ) -> Result<Report, Fault> {
        let environment = &self.session.environment;
        let outputs: Vec<(String, Value)> =
            plan.outputs.iter().filter_map(|o| Some((o.name.clone(), o.after.as_ref()?.0.clone()))).collect();
        self.session.store.put_outputs(environment, &outputs).await?;
        if revision.releases != *before {
            self.session.store.put_releases(environment, &revision.releases).await?;
        }
        let faults = Diagnostics::default();
        Ok(Report { plan, infrastructure: None, deployment: None, faults, outputs })
    }

    /// Gives the lock back, whatever came of it.
    pub async fn leave<T>(self, result: Result<T, Fault>) -> Result<T, Fault> {
        let released = self.held.release().await;
        let answer = result?;
        released?;
        Ok(answer)
    }
}

/// Deployments that never ended: nobody else can be at work while we hold the lock.
async fn interrupted(session: &Session) -> Result<(), Fault> {
    const LOOKED_AT: u32 = 20;
    for mut deployment in session.store.deployments(&session.environment, LOOKED_AT).await? {
        if deployment.outcome.is_none() {
            deployment.outcome = Some(DeploymentOutcome::Interrupted);
            session.store.put_deployment(&session.environment, &deployment).await?;
        }
    }
    Ok(())
}

/// A note about what was found, in one line.
fn told(note: &Diagnostic) -> String {
    let subject = note.subject.as_deref().map(|subject| format!("{subject}: ")).unwrap_or_default();
    let detail = note.detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("{subject}{}{detail}", note.message)
}

/// Faults of the infrastructure say in words where they are: a report has no texts of its own to point into.
fn placed(faults: Diagnostics, infrastructure: &Infrastructure) -> Diagnostics {
    let sources = &infrastructure.stack.sources;
    let place = |mut fault: Diagnostic| {
        if let Some(span) = fault.span.take()
            && fault.subject.is_none()
        {
            fault.subject = sources.place(span);
        }
        fault
    };
    Diagnostics(faults.into_iter().map(place).collect())
}
