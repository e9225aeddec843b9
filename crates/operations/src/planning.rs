//! Planning: what would change, and the revision that it would make.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::stack::plan::StackMode;
use engine::{
    Address, Events, Plan, PlanMode, PlanRequest, Release, Revision, RevisionId, Settlement, Target,
};
use fleet::TagsAnew;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use value::Value;

use crate::environments::PlannedOutputs;
use crate::infrastructure::{self, Infrastructure, Wanted};
use crate::scope::ValueScope;
use crate::session::Description;
use crate::{Fault, Session, clock};

/// How an operation is watched, and asked to end.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Where events go.
    pub events: Events,
    /// Cancelled to ask it to end in order.
    pub cancel: CancellationToken,
}

/// What to plan.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// Plan to destroy.
    pub destroy: bool,
    /// Only these and what they depend on; none: all.
    pub targets: Vec<Target>,
    /// Outputs of environments that are planned in the same run; those of the others are what stands.
    pub environments: PlannedOutputs,
    /// Whose images' tags are asked for although they are pinned.
    pub tags_anew: TagsAnew,
    /// Whether the environment's lock is ours, so that nobody else is at work on it.
    pub is_locked: bool,
}

impl PlanOptions {
    /// The services among the targets.
    fn services(&self) -> Vec<Address> {
        let services = self.targets.iter().filter_map(|target| match target {
            Target::Resource(address) if address.kind.as_str() == SERVICE => Some(address.clone()),
            _ => None,
        });
        services.collect()
    }

    /// The targets that are of the infrastructure.
    fn others(&self) -> Vec<Target> {
        let is_service = |target: &&Target| matches!(target, Target::Resource(address) if address.kind.as_str() == SERVICE);
        self.targets.iter().filter(|target| !is_service(target)).cloned().collect()
    }
}

/// The kind of what a `service` block makes.
const SERVICE: &str = "service";

/// A plan, and what it was made from.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What would be done to the infrastructure; none where there is none, or only services were asked for.
    pub infrastructure: Option<Infrastructure>,
    /// Whether the infrastructure would be changed, in the world or in what is known of it.
    pub(crate) changes_infrastructure: bool,
    /// What it would make real.
    pub revision: Revision,
    /// The configuration and values that it was made from.
    pub(crate) description: Arc<Description>,
}

impl Planned {
    /// Whether an apply would do anything.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.plan.has_changes() || self.changes_infrastructure
    }

    /// What the environment's outputs will be; unknown where only an apply tells.
    #[must_use]
    pub fn outputs(&self) -> Vec<(String, Value)> {
        let told = |it: &engine::OutputChange| Some((it.name.clone(), it.after.as_ref()?.0.clone()));
        self.plan.outputs.iter().filter_map(told).collect()
    }

    /// Whether an apply would remove something, or replace it.
    #[must_use]
    pub fn deletes(&self) -> bool {
        use engine::stack::plan::Action;
        let removes = |action: Action| action == Action::Delete || action.is_replacement();
        self.plan.count(engine::Action::Delete) > 0
            || self.infrastructure.iter().flat_map(|it| &it.plan.changes).any(|change| removes(change.action))
    }
}

/// What would change in the environments, each planned with what those before it will be. Takes no lock and changes nothing.
///
/// # Errors
/// If the configuration cannot be made real, or something could not be asked.
pub async fn plan(
    sessions: &[Session],
    mut options: PlanOptions,
    watch: &Watch,
) -> Result<Vec<Planned>, Fault> {
    let mut all = Vec::new();
    for session in sessions {
        let releases = session.store.releases(&session.environment).await?;
        let description = session.description.clone();
        let planned = plan_description(session, description, releases, &options, Vec::new(), watch).await?;
        options.environments.insert(session.environment.to_string(), planned.outputs());
        all.push(planned);
    }
    Ok(all)
}

/// Plans a description, which may be another than the working folder's: a rollback plans an earlier one.
pub(crate) async fn plan_description(
    session: &Session,
    description: Arc<Description>,
    releases: BTreeMap<String, Release>,
    options: &PlanOptions,
    settled: Vec<Settlement>,
    watch: &Watch,
) -> Result<Planned, Fault> {
    beside_services(session, &description)?;
    let (services, others) = (options.services(), options.others());
    let whole = session.store.snapshot(&session.environment).await?;
    let infrastructure = if !options.targets.is_empty() && others.is_empty() {
        None
    } else {
        let mode = if options.destroy { StackMode::Destroy } else { StackMode::Normal };
        let wanted = Wanted::new(mode, &others, &options.environments);
        let wanted = Wanted { is_locked: options.is_locked, ..wanted };
        session.plan_infrastructure(&description, &whole, wanted, watch).await?
    };
    let changes_infrastructure =
        infrastructure.as_ref().is_some_and(|it| infrastructure::has_changes(&it.plan, &whole));
    let stacks = infrastructure.as_ref().map(|it| it.plan.stacks.clone()).unwrap_or_default();
    let other = session.other_outputs(&description, stacks, &options.environments).await?;
    let mut snapshot = whole.clone();
    // What the stacks have made is planned apart.
    snapshot.rows.retain(|row| row.record.provider.is_empty());
    let fleet = Arc::new(session.fleet_of(&description, &releases, options.tags_anew.clone()));
    let providers: engine::Providers = vec![fleet.clone()];
    let request = PlanRequest {
        configuration: &description.configuration,
        files: description.files.as_ref(),
        project: session.project.clone(),
        environment: session.environment.clone(),
        variables: &description.variables,
        others: &other,
        mode: if options.destroy { PlanMode::Destroy } else { PlanMode::Apply },
        targets: services.clone(),
        snapshot: &snapshot,
        releases: releases.iter().map(|(name, release)| (name.clone(), release.digest.clone())).collect(),
        configuration_hash: String::new(),
        providers: &providers,
        now_ms: clock::now_ms(),
        settled,
    };
    let mut plan = if services.is_empty() && !others.is_empty() {
        engine::plan_nothing(&request)
    } else {
        engine::plan(request, &watch.events).await.map_err(|d| description.fault(d))?
    };
    let mut releases = releases;
    let found = fleet.found_releases();
    if options.targets.is_empty() && !options.destroy {
        // A tag that no service has any more is no release of the environment; the history keeps what it was.
        releases.retain(|name, _| {
            found.contains_key(name)
                || description.declares_image(name)
                || !oci::Reference::names_registry(name)
        });
    }
    for (name, digest) in found {
        let is_new = releases.get(&name).is_none_or(|known| known.digest != digest);
        if is_new {
            releases.insert(name, Release { digest, version: None, created_at_ms: clock::now_ms() });
        }
    }
    plan.releases = releases.iter().map(|(name, release)| (name.clone(), release.digest.clone())).collect();
    // The files that the evaluation read are known only now.
    let revision = revision_of(&description, releases);
    plan.configuration = revision.id.to_string();
    Ok(Planned { plan, infrastructure, changes_infrastructure, revision, description })
}

/// Faults of images and seeds, which the engine does not look at.
fn beside_services(session: &Session, description: &Description) -> Result<(), Fault> {
    let (scope, mut faults) = ValueScope::new(description, &session.environment);
    faults.extend(description.configuration.images.iter().flat_map(|i| i.decode(&scope).diagnostics));
    faults.extend(description.configuration.seeds.iter().flat_map(|s| s.decode(&scope).diagnostics));
    if faults.has_errors() { Err(description.fault(faults)) } else { Ok(()) }
}

/// What the description is, by name: the hash of the files that were read, the values that were given, and the releases.
fn revision_of(description: &Description, releases: BTreeMap<String, Release>) -> Revision {
    let files = description.files.recorded();
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        // Lengths keep "ab"+"c" and "a"+"bc" apart.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    for (path, content) in &files {
        add(path.as_bytes());
        add(content);
    }
    let values = description.stored_values();
    for (name, value) in &values {
        add(name.as_bytes());
        add(value.as_str().unwrap_or_default().as_bytes());
    }
    for (name, release) in &releases {
        add(name.as_bytes());
        add(release.digest.as_bytes());
    }
    let id: String = hex::encode(hash.finalize()).chars().take(12).collect();
    Revision { id: RevisionId::new(id), files, values, releases }
}
