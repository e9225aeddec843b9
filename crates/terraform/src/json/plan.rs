//! A plan in JSON, format 1.2.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::stack::StackPlan;
use engine::stack::plan::{Action, OutputChange, ResourceChange};
use engine::{Address, Mode};
use serde::Serialize;
use serde_json::{Value as Json, json};
use value::{Path, Step, Value};

use super::resource::{Module, Resource, index, mode, provider_name, terraform_order, tree};
use super::state::{self, Values};
use super::{TERRAFORM_VERSION, checks, values};

/// A whole plan.
#[derive(Debug, Serialize)]
pub struct Plan {
    pub format_version: &'static str,
    pub terraform_version: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<Arc<str>, Json>,
    pub planned_values: PlannedValues,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_drift: Vec<Change>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_changes: Vec<Change>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub output_changes: BTreeMap<Arc<str>, ValueChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prior_state: Option<state::State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Json>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relevant_attributes: Vec<Json>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Json>,
    pub timestamp: String,
    pub applyable: bool,
    pub complete: bool,
    pub errored: bool,
}

/// What will be there.
#[derive(Debug, Serialize)]
pub struct PlannedValues {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<Arc<str>, PlannedOutput>,
    pub root_module: Module,
}

/// An output that will be; in another order than a state's.
#[derive(Debug, Serialize)]
pub struct PlannedOutput {
    pub sensitive: bool,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub ty: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
}

/// What would be done to an object.
#[derive(Debug, Serialize)]
pub struct Change {
    pub address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_address: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub module_address: String,
    pub mode: &'static str,
    #[serde(rename = "type")]
    pub kind: String,
    pub name: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<Json>,
    pub provider_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deposed: Option<Arc<str>>,
    pub change: ValueChange,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_reason: Option<Json>,
}

/// From one value to another.
#[derive(Debug, Serialize)]
pub struct ValueChange {
    pub actions: &'static [&'static str],
    pub before: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Json>,
    pub after_unknown: Json,
    pub before_sensitive: Json,
    pub after_sensitive: Json,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replace_paths: Vec<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importing: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated_config: Option<String>,
}

/// The plan. `given`: what root variables were given, before it was made of their types; `configuration`: as [`super::configuration::configuration`] has it; `timestamp`: when it was made, RFC 3339.
#[must_use]
pub fn plan(
    plan: &StackPlan,
    given: &BTreeMap<Arc<str>, Value>,
    configuration: Option<Json>,
    timestamp: String,
) -> Plan {
    let one = |value: &Value| json!({ "value": values::known(value).unwrap_or(Json::Null) });
    let outputs = plan.outputs.iter().map(|output| (output.name.clone(), output_change(output))).collect();
    Plan {
        format_version: "1.2",
        terraform_version: TERRAFORM_VERSION,
        // As they were given, and defaults as they are.
        variables: plan
            .variables
            .iter()
            .chain(given)
            .map(|(name, value)| (name.clone(), one(value)))
            .collect(),
        planned_values: planned_values(plan),
        resource_drift: changes(&plan.drift, plan),
        resource_changes: changes(&plan.changes, plan),
        output_changes: outputs,
        prior_state: prior_state(plan),
        configuration,
        relevant_attributes: plan.relevant.iter().map(|(address, path)| relevant(address, path)).collect(),
        checks: checks::checks(&plan.checks),
        timestamp,
        applyable: plan.has_changes() && !plan.is_errored,
        complete: plan.is_complete,
        errored: plan.is_errored,
    }
}

fn prior_state(plan: &StackPlan) -> Option<state::State> {
    // A state that holds nothing is none.
    if plan.prior.is_empty() && plan.prior_outputs.is_empty() {
        return None;
    }
    let values: Values = state::contents(&plan.prior, &plan.prior_outputs);
    Some(state::State {
        format_version: "1.0",
        terraform_version: Some(TERRAFORM_VERSION),
        values: Some(values),
        checks: Vec::new(),
    })
}

fn planned_values(plan: &StackPlan) -> PlannedValues {
    let stays = |change: &&ResourceChange| {
        change.deposed.is_none()
            && (!change.after.is_null()
                || change.action == Action::Forget && change.address.mode == Mode::Managed)
    };
    let mut resources: Vec<(engine::ModulePath, Resource)> = plan
        .changes
        .iter()
        .filter(stays)
        .map(|change| (change.address.module.clone(), planned(change)))
        .collect();
    resources.sort_by(|a, b| a.1.address.cmp(&b.1.address));
    let outputs = plan.outputs.iter().filter_map(|output| {
        let after = output.after.as_ref()?;
        let value = after.is_wholly_known().then(|| values::known(after)).flatten();
        let ty = value.as_ref().map(|value| match value {
            Json::Null => json!("dynamic"),
            _ => value::type_to_json(&after.ty()),
        });
        Some((output.name.clone(), PlannedOutput { sensitive: output.is_sensitive, ty, value }))
    });
    PlannedValues { outputs: outputs.collect(), root_module: tree(resources) }
}

fn planned(change: &ResourceChange) -> Resource {
    let address = &change.address;
    Resource {
        address: address.to_string(),
        mode: mode(address.mode),
        kind: address.kind.to_string(),
        name: address.name.clone(),
        index: index(address),
        provider_name: provider_name(&change.provider),
        schema_version: change.schema_version,
        values: values::known(&change.after).filter(|values| !values.is_null()),
        sensitive_values: values::sensitive(&change.after),
        depends_on: Vec::new(),
        tainted: false,
        deposed_key: None,
    }
}

fn changes(all: &[ResourceChange], plan: &StackPlan) -> Vec<Change> {
    let is_told = |change: &&ResourceChange| {
        change.address.mode != Mode::Ephemeral
            && (change.address.mode == Mode::Managed || change.action == Action::Read)
    };
    let mut sorted: Vec<&ResourceChange> = all.iter().filter(is_told).collect();
    sorted.sort_by(|a, b| terraform_order(&a.address, &b.address).then_with(|| a.deposed.cmp(&b.deposed)));
    sorted.into_iter().map(|change| self::change(change, plan)).collect()
}

fn change(change: &ResourceChange, plan: &StackPlan) -> Change {
    let address = &change.address;
    let generated = plan.generated.iter().find(|it| it.address == *address).map(|it| it.text.clone());
    Change {
        address: address.to_string(),
        previous_address: change.previous.as_ref().map(ToString::to_string),
        module_address: address.module.to_string(),
        mode: mode(address.mode),
        kind: address.kind.to_string(),
        name: address.name.clone(),
        index: index(address),
        provider_name: provider_name(&change.provider),
        deposed: change.deposed.clone(),
        change: ValueChange {
            replace_paths: change.replace_paths.iter().map(path).collect(),
            importing: change.importing.as_ref().map(|id| json!({ "id": id })),
            generated_config: generated,
            ..value_change(change.action, Some(&change.before), Some(&change.after))
        },
        action_reason: change.reason.and_then(|reason| serde_json::to_value(reason).ok()),
    }
}

fn output_change(output: &OutputChange) -> ValueChange {
    let mut change = value_change(output.action(), output.before.as_ref(), output.after.as_ref());
    if output.after.as_ref().is_none_or(Value::is_wholly_known) {
        change.after_unknown = Json::Bool(false);
    }
    // An output is sensitive as a whole or not at all.
    change.before_sensitive = Json::Bool(output.is_sensitive);
    change.after_sensitive = Json::Bool(output.is_sensitive);
    change
}

fn value_change(action: Action, before: Option<&Value>, after: Option<&Value>) -> ValueChange {
    let there = |value: Option<&Value>| value.filter(|value| !value.is_null()).cloned();
    let (before, after) = (there(before), there(after));
    ValueChange {
        actions: actions(action),
        before: before.as_ref().and_then(values::known).unwrap_or(Json::Null),
        after: after.as_ref().map_or(Some(Json::Null), values::known),
        // What is wholly known has no shape here.
        after_unknown: after
            .as_ref()
            .filter(|it| !it.is_wholly_known())
            .map_or_else(|| json!({}), values::unknown),
        before_sensitive: before.as_ref().map_or(Json::Bool(false), values::sensitive),
        after_sensitive: after.as_ref().map_or(Json::Bool(false), values::sensitive),
        replace_paths: Vec::new(),
        importing: None,
        generated_config: None,
    }
}

/// The words for an action.
#[must_use]
pub fn actions(action: Action) -> &'static [&'static str] {
    match action {
        Action::NoOp => &["no-op"],
        Action::Create => &["create"],
        Action::Read => &["read"],
        Action::Update => &["update"],
        Action::DeleteThenCreate => &["delete", "create"],
        Action::CreateThenDelete => &["create", "delete"],
        Action::Delete => &["delete"],
        Action::Forget => &["forget"],
    }
}

fn path(path: &Path) -> Json {
    let step = |step: &Step| match step {
        Step::Attribute(name) | Step::Key(name) => Json::from(name.as_ref()),
        Step::Index(index) => index.to_i64().map_or_else(|| json!(index.to_f64()), Json::from),
    };
    Json::Array(path.0.iter().map(step).collect())
}

fn relevant(address: &Address, place: &Path) -> Json {
    json!({ "resource": address.to_string(), "attribute": path(place) })
}
