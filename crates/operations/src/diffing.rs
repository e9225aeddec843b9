//! How two environments of a project differ: in what is described, and in what was made of it. Nothing is asked of any provider but
//! what a data source reads, and nothing is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use diag::Diagnostics;
use engine::stack::plan::StackMode;
use engine::{
    Address, ApplyFailure, ApplyRequest, ChangeRequest, EnvLayers, Events, PlanMode, PlanRequest,
    PlannedChange, Provider, ReadRequest, ResourceKind, Snapshot,
};
use serde::Serialize;
use value::{Kind, Marks, Path, Step, Value};

use crate::environments::PlannedOutputs;
use crate::infrastructure::Wanted;
use crate::planning::Watch;
use crate::{Fault, Session, clock};

/// How two environments differ, object by object.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The one.
    pub from: String,
    /// The other.
    pub to: String,
    /// Objects that differ, ordered by address.
    pub objects: Vec<ObjectDifference>,
    /// How many objects are the same in both.
    pub same: usize,
}

/// One object that differs.
#[derive(Debug, Clone, Serialize)]
pub struct ObjectDifference {
    /// Its address, the same in both.
    pub address: Address,
    /// The only environment that describes it; none where both do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_in: Option<String>,
    /// What is described differently.
    pub described: Vec<ValueDifference>,
    /// What is described the same and was made differently, or was not made yet in one of them.
    pub made: Vec<ValueDifference>,
}

/// One place that differs. Sensitive values are not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueDifference {
    /// Where in the object; empty for the object as a whole.
    pub path: String,
    /// What it is in the one; none where it is not there.
    pub from: Option<String>,
    /// What it is in the other.
    pub to: Option<String>,
}

/// What is known of an environment.
pub(crate) struct Side {
    name: String,
    /// What is described, as if nothing were there: what only an apply tells is unknown.
    described: BTreeMap<Address, Value>,
    made: BTreeMap<Address, Value>,
}

/// Compares two environments.
///
/// # Errors
/// If one of them cannot be worked out.
pub async fn compare(from: &Session, to: &Session, watch: &Watch) -> Result<Comparison, Fault> {
    let (from, to) = (Side::of(from, watch).await?, Side::of(to, watch).await?);
    let addresses: BTreeSet<&Address> = from.described.keys().chain(to.described.keys()).collect();
    let mut objects = Vec::new();
    let mut same = 0;
    for address in addresses {
        let found = match (from.described.get(address), to.described.get(address)) {
            (Some(one), Some(other)) => {
                let described = differences(one, other, None);
                let told: BTreeSet<Path> = leaves(one)
                    .into_iter()
                    .filter(|(_, text)| text.is_some())
                    .map(|(path, _)| path)
                    .collect();
                let made = match (from.made.get(address), to.made.get(address)) {
                    (Some(one), Some(other)) => {
                        let said: BTreeSet<&str> = described.iter().map(|it| it.path.as_str()).collect();
                        let mut made = differences(one, other, Some(&told));
                        made.retain(|it| !said.contains(it.path.as_str()));
                        made
                    }
                    (None, None) => Vec::new(),
                    (one, other) => vec![whole(one.is_some(), other.is_some())],
                };
                ObjectDifference { address: address.clone(), only_in: None, described, made }
            }
            (Some(_), None) => only(address, &from.name),
            (None, _) => only(address, &to.name),
        };
        if found.only_in.is_none() && found.described.is_empty() && found.made.is_empty() {
            same += 1;
        } else {
            objects.push(found);
        }
    }
    Ok(Comparison { from: from.name, to: to.name, objects, same })
}

fn only(address: &Address, name: &str) -> ObjectDifference {
    ObjectDifference {
        address: address.clone(),
        only_in: Some(name.to_owned()),
        described: Vec::new(),
        made: Vec::new(),
    }
}

fn whole(from: bool, to: bool) -> ValueDifference {
    let word = |is_made: bool| Some(if is_made { "made" } else { "not made yet" }.to_owned());
    ValueDifference { path: String::new(), from: word(from), to: word(to) }
}

impl Side {
    async fn of(session: &Session, watch: &Watch) -> Result<Self, Fault> {
        let snapshot = session.store.snapshot(&session.environment).await?;
        let layers = session.description.env_layers(session.environment.as_str());
        let described = Self::described(session, layers, watch).await?;
        let current = snapshot.rows.into_iter().filter(|row| row.record.deposed.is_none());
        let made = current.map(|row| (row.address, row.value)).collect();
        Ok(Self { name: session.environment.to_string(), described, made })
    }

    /// What is described, with these layers over the services' variables.
    pub(crate) async fn described(
        session: &Session,
        layers: EnvLayers,
        watch: &Watch,
    ) -> Result<BTreeMap<Address, Value>, Fault> {
        let nothing = Snapshot::default();
        let description = &session.description;
        let standing = PlannedOutputs::default();
        let wanted = Wanted { refreshes: false, ..Wanted::new(StackMode::Normal, &[], &standing) };
        let quiet = Watch { events: Events::ignored(), cancel: watch.cancel.clone() };
        let infrastructure = session.plan_infrastructure(description, &nothing, wanted, &quiet).await?;
        let stacks = infrastructure.as_ref().map(|it| it.plan.stacks.clone()).unwrap_or_default();
        let mut other = session.other_outputs(description, stacks, &standing).await?;
        other.env = layers;
        let releases = session.store.releases(&session.environment).await?;
        let providers: engine::Providers =
            session.providers(description, &releases).into_iter().map(unasked).collect();
        let request = PlanRequest {
            configuration: &description.configuration,
            files: description.files.as_ref(),
            project: session.project.clone(),
            environment: session.environment.clone(),
            variables: &description.variables,
            others: &other,
            mode: PlanMode::Apply,
            targets: Vec::new(),
            snapshot: &nothing,
            releases: releases.iter().map(|(name, it)| (name.clone(), it.digest.clone())).collect(),
            configuration_hash: String::new(),
            providers: &providers,
            now_ms: clock::now_ms(),
            settled: Vec::new(),
        };
        let services =
            engine::plan(request, &quiet.events).await.map_err(|faults| description.fault(faults))?;
        let mut described = BTreeMap::new();
        for change in services.changes {
            if let Some(after) = change.after {
                described.insert(change.address, after.0);
            }
        }
        for change in infrastructure.into_iter().flat_map(|it| it.plan.changes) {
            if !change.after.is_null() {
                described.insert(change.address, change.after);
            }
        }
        Ok(described)
    }
}

/// The places where two values differ; with `told`, only there.
fn differences(from: &Value, to: &Value, told: Option<&BTreeSet<Path>>) -> Vec<ValueDifference> {
    let (from, to) = (leaves(from), leaves(to));
    let mut paths: BTreeSet<&Path> = from.keys().chain(to.keys()).collect();
    if let Some(told) = told {
        paths.retain(|path| told.contains(*path));
    }
    let mut found = Vec::new();
    for path in paths {
        let (one, other) = (from.get(path), to.get(path));
        if one.map(|it| it.as_ref().map(|it| &it.0)) == other.map(|it| it.as_ref().map(|it| &it.0)) {
            continue;
        }
        let shown = |it: Option<&Leaf>| {
            it.map(|it| it.as_ref().map_or_else(|| UNKNOWN.to_owned(), |it| it.1.clone()))
        };
        let text = path.to_string();
        let path = text.strip_prefix('.').unwrap_or(&text).to_owned();
        found.push(ValueDifference { path, from: shown(one), to: shown(other) });
    }
    found
}

/// What a place holds: the text that is compared and the one that is shown; `None` where only an apply tells.
type Leaf = Option<(String, String)>;

const UNKNOWN: &str = "(known after apply)";

/// Every place of a value that holds something that is no object and no list. What is null is as good as left out.
fn leaves(value: &Value) -> BTreeMap<Path, Leaf> {
    let mut found = BTreeMap::new();
    collect(value, &Path::default(), Marks::NONE, &mut found);
    found
}

fn collect(value: &Value, path: &Path, marks: Marks, found: &mut BTreeMap<Path, Leaf>) {
    let marks = marks.union(value.marks());
    match value.kind() {
        Kind::Null(_) => {}
        Kind::Unknown(_) => {
            found.insert(path.clone(), None);
        }
        Kind::Object(entries) => {
            for (name, entry) in entries.iter() {
                collect(entry, &path.with(Step::Attribute(name.clone())), marks, found);
            }
        }
        Kind::Map(_, entries) => {
            for (key, entry) in entries.iter() {
                collect(entry, &path.with(Step::Key(key.clone())), marks, found);
            }
        }
        Kind::List(_, elements) | Kind::Tuple(elements) | Kind::Set(_, elements) => {
            for (at, element) in elements.iter().enumerate() {
                collect(element, &path.with(Step::Index(value::Number::from(at))), marks, found);
            }
        }
        Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => {
            let text = value.to_string();
            let shown = if marks.is_empty() { text.clone() } else { "(sensitive value)".to_owned() };
            found.insert(path.clone(), Some((text, shown)));
        }
    }
}

/// A provider that is not asked what is there.
struct Unasked(Arc<dyn Provider>);

fn unasked(provider: Arc<dyn Provider>) -> Arc<dyn Provider> {
    Arc::new(Unasked(provider))
}

#[async_trait]
impl Provider for Unasked {
    fn kinds(&self) -> Vec<ResourceKind> {
        self.0.kinds()
    }

    async fn read(&self, requests: &[ReadRequest]) -> Result<Vec<Option<Value>>, Diagnostics> {
        Ok(vec![None; requests.len()])
    }

    async fn plan(&self, request: &ChangeRequest) -> Result<PlannedChange, Diagnostics> {
        self.0.plan(request).await
    }

    async fn apply(&self, request: &ApplyRequest, events: &Events) -> Result<Option<Value>, ApplyFailure> {
        self.0.apply(request, events).await
    }
}
