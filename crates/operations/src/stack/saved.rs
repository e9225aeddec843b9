//! A stack's plan in a file: every change, and the files that it was computed from, so that it can be applied later and shown
//! anywhere. Sensitive parts of values are sealed with the environment's key.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use diag::Diagnostic;
use engine::stack::StackPlan;
use engine::stack::plan::{Action, CheckResult, Generated, OutputChange, Reason, ResourceChange, StackMode};
use engine::{Address, EnvironmentName, Record, StateRow, Target};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use store::KeyRing;
use value::{Encoded, Number, Step, Value};

use crate::Fault;

/// The version of the format that this program writes.
const FORMAT: u32 = 1;
/// What tells such a file from any other.
const KIND: &str = "mainstay stack plan";
/// What values in a plan are sealed for.
const CONTEXT: &str = "plan";

/// A plan with what it was computed from.
#[derive(Debug, Clone)]
pub struct SavedPlan {
    /// The plan.
    pub plan: StackPlan,
    /// The files that were read, by path from the stack's folder.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Root variables that are never stored and had a value: they have to be given again when it is applied.
    pub ephemeral: Vec<Arc<str>>,
    /// What was given to root variables, by name, before it was made of their types.
    pub given: BTreeMap<Arc<str>, Value>,
}

#[derive(Serialize, Deserialize)]
struct File {
    kind: String,
    format: u32,
    environment: EnvironmentName,
    ephemeral: Vec<Arc<str>>,
    given: BTreeMap<Arc<str>, Encoded>,
    mode: StackMode,
    created_at_ms: u64,
    base_serial: u64,
    lineage: String,
    variables: BTreeMap<Arc<str>, Encoded>,
    targets: Vec<String>,
    replaced: Vec<Address>,
    changes: Vec<Change>,
    drift: Vec<Change>,
    outputs: Vec<Output>,
    checks: Vec<CheckResult>,
    prior: Vec<Row>,
    prior_outputs: Vec<(String, Encoded)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stacks: Vec<(Arc<str>, Encoded)>,
    relevant: Vec<(Address, Vec<Json>)>,
    generated: Vec<(Address, String)>,
    is_errored: bool,
    is_complete: bool,
    files: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Change {
    address: Address,
    previous: Option<Address>,
    deposed: Option<Arc<str>>,
    provider: Arc<str>,
    action: Action,
    reason: Option<Reason>,
    before: Encoded,
    after: Encoded,
    replace_paths: Vec<Vec<Json>>,
    private: String,
    schema_version: u64,
    importing: Option<String>,
    depends_on: Vec<Address>,
    create_before_destroy: bool,
}

#[derive(Serialize, Deserialize)]
struct Output {
    name: Arc<str>,
    before: Option<Encoded>,
    after: Option<Encoded>,
    is_sensitive: bool,
}

#[derive(Serialize, Deserialize)]
struct Row {
    address: Address,
    value: Encoded,
    depends_on: Vec<Address>,
    record: Record,
}

/// Writes a plan to a file that only its owner can read.
///
/// # Errors
/// If it cannot be written, or the key cannot be had.
pub fn write_saved(keys: &KeyRing, saved: &SavedPlan, path: &Path) -> Result<(), Fault> {
    let file = encoded(keys, saved)?;
    let failed = |error: &std::io::Error| Fault::io("the plan could not be written", path, error);
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| failed(&error))?;
    let text = serde_json::to_vec(&file).map_err(|error| {
        let fault = Diagnostic::error("plan-file", "the plan could not be written");
        Fault::failed(fault.about(path.display().to_string()).because(error.to_string()))
    })?;
    out.write_all(&text).map_err(|error| failed(&error))
}

/// A plan as part of another file; the files that it was computed from are that one's affair.
pub(crate) fn encode_plan(keys: &KeyRing, plan: &StackPlan) -> Result<Json, Fault> {
    let saved = SavedPlan {
        plan: plan.clone(),
        files: BTreeMap::new(),
        ephemeral: Vec::new(),
        given: BTreeMap::new(),
    };
    let failed = |error: serde_json::Error| Fault::failed(Diagnostic::error("plan-file", error.to_string()));
    serde_json::to_value(encoded(keys, &saved)?).map_err(failed)
}

/// A plan that was written so. `path`: the file that it is part of, for faults.
pub(crate) fn decode_plan(keys: &KeyRing, encoded: Json, path: &Path) -> Result<StackPlan, Fault> {
    let file: File = serde_json::from_value(encoded).map_err(|error| not_a_plan(path, error.to_string()))?;
    Ok(decoded(keys, &file, path)?.plan)
}

fn encoded(keys: &KeyRing, saved: &SavedPlan) -> Result<File, Fault> {
    let plan = &saved.plan;
    let writer = Writer { keys, environment: &plan.environment };
    Ok(File {
        kind: KIND.to_owned(),
        format: FORMAT,
        environment: plan.environment.clone(),
        ephemeral: saved.ephemeral.clone(),
        given: saved
            .given
            .iter()
            .map(|(name, value)| Ok((name.clone(), writer.value(value)?)))
            .collect::<Result<_, Fault>>()?,
        mode: plan.mode,
        created_at_ms: plan.created_at_ms,
        base_serial: plan.base_serial,
        lineage: plan.lineage.clone(),
        variables: plan
            .variables
            .iter()
            .map(|(name, value)| Ok((name.clone(), writer.value(value)?)))
            .collect::<Result<_, Fault>>()?,
        targets: plan.targets.iter().map(ToString::to_string).collect(),
        replaced: plan.replaced.clone(),
        changes: plan.changes.iter().map(|change| writer.change(change)).collect::<Result<_, Fault>>()?,
        drift: plan.drift.iter().map(|change| writer.change(change)).collect::<Result<_, Fault>>()?,
        outputs: plan.outputs.iter().map(|output| writer.output(output)).collect::<Result<_, Fault>>()?,
        checks: plan.checks.clone(),
        prior: plan.prior.iter().map(|row| writer.row(row)).collect::<Result<_, Fault>>()?,
        prior_outputs: plan
            .prior_outputs
            .iter()
            .map(|(name, value)| Ok((name.clone(), writer.value(value)?)))
            .collect::<Result<_, Fault>>()?,
        stacks: plan
            .stacks
            .iter()
            .map(|(name, value)| Ok((name.clone(), writer.value(value)?)))
            .collect::<Result<_, Fault>>()?,
        relevant: plan.relevant.iter().map(|(address, path)| (address.clone(), write_path(path))).collect(),
        generated: plan.generated.iter().map(|it| (it.address.clone(), it.text.clone())).collect(),
        is_errored: plan.is_errored,
        is_complete: plan.is_complete,
        files: saved.files.iter().map(|(path, content)| (path.clone(), BASE64.encode(content))).collect(),
    })
}

/// Whether a file holds a plan of a stack.
#[must_use]
pub fn is_saved_plan(path: &Path) -> bool {
    #[derive(Deserialize)]
    struct Head {
        kind: String,
    }
    let text = std::fs::read(path).unwrap_or_default();
    serde_json::from_slice::<Head>(&text).is_ok_and(|head| head.kind == KIND)
}

/// Reads a plan.
///
/// # Errors
/// If it is none, is of another version, or was sealed with another key.
pub fn read_saved(keys: &KeyRing, path: &Path) -> Result<SavedPlan, Fault> {
    let text = std::fs::read(path).map_err(|e| Fault::io("the plan could not be read", path, &e))?;
    let file: File = serde_json::from_slice(&text).map_err(|e| not_a_plan(path, e.to_string()))?;
    decoded(keys, &file, path)
}

fn not_a_plan(path: &Path, why: String) -> Fault {
    Fault::Usage(
        Diagnostic::error("plan-file", "this is not a plan that this program can read")
            .about(path.display().to_string())
            .because(why)
            .hint("make one with `plan -out=FILE`")
            .into(),
    )
}

fn decoded(keys: &KeyRing, file: &File, path: &Path) -> Result<SavedPlan, Fault> {
    let not_a_plan = |why: String| not_a_plan(path, why);
    if file.kind != KIND || file.format != FORMAT {
        return Err(not_a_plan(format!("its format is {}, this program's is {FORMAT}", file.format)));
    }
    let reader = Reader { keys, environment: &file.environment, not_a_plan: &not_a_plan };
    let paths = |encoded: &[Vec<Json>]| encoded.iter().map(|path| read_path(path)).collect();
    let change = |it: &Change| -> Result<ResourceChange, Fault> {
        Ok(ResourceChange {
            address: it.address.clone(),
            previous: it.previous.clone(),
            deposed: it.deposed.clone(),
            provider: it.provider.clone(),
            action: it.action,
            reason: it.reason,
            before: reader.value(&it.before)?,
            after: reader.value(&it.after)?,
            replace_paths: paths(&it.replace_paths),
            private: BASE64.decode(&it.private).map_err(|e| not_a_plan(e.to_string()))?,
            schema_version: it.schema_version,
            importing: it.importing.clone(),
            depends_on: it.depends_on.clone().into(),
            create_before_destroy: it.create_before_destroy,
        })
    };
    let values = |all: &[(String, Encoded)]| -> Result<Vec<(String, Value)>, Fault> {
        all.iter().map(|(name, encoded)| Ok((name.clone(), reader.value(encoded)?))).collect()
    };
    let targets =
        file.targets.iter().map(|text| text.parse::<Target>().map_err(|e| not_a_plan(e.to_string())));
    let plan = StackPlan {
        environment: file.environment.clone(),
        mode: file.mode,
        created_at_ms: file.created_at_ms,
        base_serial: file.base_serial,
        lineage: file.lineage.clone(),
        variables: file
            .variables
            .iter()
            .map(|(name, encoded)| Ok((name.clone(), reader.value(encoded)?)))
            .collect::<Result<_, Fault>>()?,
        targets: targets.collect::<Result<_, Fault>>()?,
        replaced: file.replaced.clone(),
        changes: file.changes.iter().map(&change).collect::<Result<_, Fault>>()?,
        drift: file.drift.iter().map(&change).collect::<Result<_, Fault>>()?,
        outputs: file.outputs.iter().map(|it| reader.output(it)).collect::<Result<_, Fault>>()?,
        checks: file.checks.clone(),
        prior: file.prior.iter().map(|it| reader.row(it)).collect::<Result<_, Fault>>()?,
        prior_outputs: values(&file.prior_outputs)?,
        stacks: file
            .stacks
            .iter()
            .map(|(name, encoded)| Ok((name.clone(), reader.value(encoded)?)))
            .collect::<Result<_, Fault>>()?,
        relevant: file.relevant.iter().map(|(address, path)| (address.clone(), read_path(path))).collect(),
        generated: file
            .generated
            .iter()
            .map(|(address, text)| Generated { address: address.clone(), text: text.clone() })
            .collect(),
        is_errored: file.is_errored,
        is_complete: file.is_complete,
    };
    let mut files = BTreeMap::new();
    for (path, content) in &file.files {
        files.insert(path.clone(), BASE64.decode(content).map_err(|e| not_a_plan(format!("{path}: {e}")))?);
    }
    let given = file.given.iter().map(|(name, encoded)| Ok((name.clone(), reader.value(encoded)?)));
    let given = given.collect::<Result<_, Fault>>()?;
    Ok(SavedPlan { plan, files, ephemeral: file.ephemeral.clone(), given })
}

struct Writer<'a> {
    keys: &'a KeyRing,
    environment: &'a EnvironmentName,
}

impl Writer<'_> {
    fn value(&self, value: &Value) -> Result<Encoded, Fault> {
        let encoded = value::encode(value);
        Ok(self.keys.seal_encoded(self.environment, CONTEXT, &encoded)?)
    }

    fn change(&self, change: &ResourceChange) -> Result<Change, Fault> {
        Ok(Change {
            address: change.address.clone(),
            previous: change.previous.clone(),
            deposed: change.deposed.clone(),
            provider: change.provider.clone(),
            action: change.action,
            reason: change.reason,
            before: self.value(&change.before)?,
            after: self.value(&change.after)?,
            replace_paths: change.replace_paths.iter().map(write_path).collect(),
            private: BASE64.encode(&change.private),
            schema_version: change.schema_version,
            importing: change.importing.clone(),
            depends_on: change.depends_on.to_vec(),
            create_before_destroy: change.create_before_destroy,
        })
    }

    fn output(&self, output: &OutputChange) -> Result<Output, Fault> {
        let value = |value: &Option<Value>| value.as_ref().map(|value| self.value(value)).transpose();
        Ok(Output {
            name: output.name.clone(),
            before: value(&output.before)?,
            after: value(&output.after)?,
            is_sensitive: output.is_sensitive,
        })
    }

    fn row(&self, row: &StateRow) -> Result<Row, Fault> {
        Ok(Row {
            address: row.address.clone(),
            value: self.value(&row.value)?,
            depends_on: row.depends_on.to_vec(),
            record: row.record.clone(),
        })
    }
}

struct Reader<'a> {
    keys: &'a KeyRing,
    environment: &'a EnvironmentName,
    not_a_plan: &'a dyn Fn(String) -> Fault,
}

impl Reader<'_> {
    fn value(&self, encoded: &Encoded) -> Result<Value, Fault> {
        let encoded = self.keys.unseal_encoded(self.environment, CONTEXT, encoded)?;
        value::decode(&encoded).map_err(|error| (self.not_a_plan)(error.to_string()))
    }

    fn output(&self, output: &Output) -> Result<OutputChange, Fault> {
        let value = |value: &Option<Encoded>| value.as_ref().map(|value| self.value(value)).transpose();
        Ok(OutputChange {
            name: output.name.clone(),
            before: value(&output.before)?,
            after: value(&output.after)?,
            is_sensitive: output.is_sensitive,
        })
    }

    fn row(&self, row: &Row) -> Result<StateRow, Fault> {
        Ok(StateRow {
            address: row.address.clone(),
            value: self.value(&row.value)?,
            depends_on: row.depends_on.clone(),
            record: row.record.clone(),
        })
    }
}

/// A path as JSON: an attribute is its name, a key `{"key": …}`, a place in a sequence its number.
fn write_path(path: &value::Path) -> Vec<Json> {
    let step = |step: &Step| match step {
        Step::Attribute(name) => Json::from(name.as_ref()),
        Step::Key(key) => serde_json::json!({ "key": key.as_ref() }),
        Step::Index(index) => Json::from(index.to_usize().unwrap_or(0)),
    };
    path.0.iter().map(step).collect()
}

fn read_path(path: &[Json]) -> value::Path {
    let step = |step: &Json| match step {
        Json::String(name) => Some(Step::Attribute(name.as_str().into())),
        Json::Number(index) => Some(Step::Index(Number::from(index.as_u64()?))),
        other => Some(Step::Key(other.get("key")?.as_str()?.into())),
    };
    value::Path(path.iter().filter_map(step).collect())
}
