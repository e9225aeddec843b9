//! A state in JSON, format 1.0.

use std::collections::BTreeMap;

use engine::stack::plan::CheckResult;
use engine::{Snapshot, StateRow};
use serde::Serialize;
use serde_json::{Value as Json, json};
use value::Value;

use super::resource::{Module, Resource, index, mode, provider_name, terraform_order, tree};
use super::{TERRAFORM_VERSION, checks, values};

/// A whole state.
#[derive(Debug, Serialize)]
pub struct State {
    pub format_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terraform_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Values>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Json>,
}

/// What is in it.
#[derive(Debug, Serialize)]
pub struct Values {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Output>,
    pub root_module: Module,
}

/// An output.
#[derive(Debug, Serialize)]
pub struct Output {
    pub sensitive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub ty: Option<Json>,
}

/// The state as it is; one that holds nothing has no values.
#[must_use]
pub fn state(snapshot: &Snapshot, results: &[CheckResult]) -> State {
    if snapshot.rows.is_empty() && snapshot.outputs.is_empty() {
        return State { format_version: "1.0", terraform_version: None, values: None, checks: Vec::new() };
    }
    State {
        format_version: "1.0",
        terraform_version: Some(TERRAFORM_VERSION),
        values: Some(contents(&snapshot.rows, &snapshot.outputs)),
        checks: checks::checks(results),
    }
}

/// Rows and outputs.
#[must_use]
pub fn contents(rows: &[StateRow], outputs: &[(String, Value)]) -> Values {
    let mut sorted: Vec<&StateRow> = rows.iter().collect();
    sorted.sort_by(|a, b| {
        terraform_order(&a.address, &b.address).then_with(|| a.record.deposed.cmp(&b.record.deposed))
    });
    let resources = sorted.into_iter().map(|row| (row.address.module.clone(), resource(row)));
    Values {
        outputs: outputs.iter().map(|(name, value)| (name.clone(), output(value))).collect(),
        root_module: tree(resources),
    }
}

/// An output with its type.
#[must_use]
pub fn output(value: &Value) -> Output {
    Output {
        sensitive: values::is_any_sensitive(value),
        value: Some(values::known(value).unwrap_or(Json::Null)),
        ty: Some(value::type_to_json(&value.ty())),
    }
}

fn resource(row: &StateRow) -> Resource {
    let address = &row.address;
    let mut depends_on: Vec<String> = row.depends_on.iter().map(ToString::to_string).collect();
    depends_on.sort();
    Resource {
        address: address.to_string(),
        mode: mode(address.mode),
        kind: address.kind.to_string(),
        name: address.name.clone(),
        index: index(address),
        provider_name: provider_name(&row.record.provider),
        schema_version: row.record.schema_version,
        values: Some(values::known(&row.value).unwrap_or(Json::Null)),
        sensitive_values: values::sensitive(&row.value),
        depends_on,
        tainted: row.record.tainted,
        deposed_key: row.record.deposed.clone(),
    }
}

/// The answer of `output -json`: outputs by name, sensitive ones in clear.
#[must_use]
pub fn outputs(outputs: &[(String, Value)]) -> Json {
    let one = |value: &Value| {
        json!({
            "sensitive": values::is_any_sensitive(value),
            "type": value::type_to_json(&value.ty()),
            "value": values::known(value),
        })
    };
    Json::Object(outputs.iter().map(|(name, value)| (name.clone(), one(value))).collect())
}
