//! What would be made.

use plugin::wire::calls::{PlanRequest, PlanResponse};
use value::{Kind, Type, Value};

use super::{THING, comes_with, fill, planned};
use crate::provider::calls::Outcome;
use crate::provider::fault::{attribute, path};
use crate::provider::schema::{heard, sent, value};
use crate::provider::{Ids, Provider};

pub(in crate::provider) fn plan(provider: &Provider, asked: PlanRequest) -> Outcome<PlanResponse> {
    heard(provider, asked.provider_meta.as_ref())?;
    let kind = asked.type_name.as_str();
    let shape = provider.shape(kind)?;
    let ty = shape.ty();
    let prior = value(asked.prior_state.as_ref(), &ty)?;
    let proposed = value(asked.proposed_new_state.as_ref(), &ty)?;
    comes_with(&prior, &asked.prior_private)?;
    if proposed.is_null() {
        return Ok(PlanResponse {
            planned_state: sent(&proposed, &ty),
            planned_private: planned(&proposed),
            legacy_type_system: provider.script.is_legacy,
            ..PlanResponse::default()
        });
    }
    let mut object = fill::open(shape, &proposed);
    if !prior.is_null() && object != prior {
        let mut stale = vec!["revision"];
        if object.get("secret_version") != prior.get("secret_version") {
            stale.push("secret_length");
        }
        object = fill::open(shape, &without(&object, &stale));
    }
    if prior.is_null() && provider.script.ids == Ids::PlannedNames {
        object = with_id(&object);
    }
    let replaces = if prior.is_null() { Vec::new() } else { replaces(&prior, &object) };
    Ok(PlanResponse {
        planned_state: sent(&object, &ty),
        planned_private: planned(&object),
        requires_replace: replaces,
        legacy_type_system: provider.script.is_legacy,
        planned_identity: (kind == THING && !prior.is_null())
            .then(|| provider.identity(kind, &object))
            .flatten(),
        ..PlanResponse::default()
    })
}

/// The object under the name that is to be its id, which may not be known yet.
fn with_id(object: &Value) -> Value {
    let Kind::Object(entries) = object.kind() else { return object.clone() };
    let mut entries = entries.as_ref().clone();
    let name = entries.get("name").filter(|name| name.is_wholly_known()).cloned();
    if let (Some(id), Some(name)) = (entries.get_mut("id"), name) {
        *id = name;
    }
    Value::object(entries)
}

/// The object with null at some attributes.
fn without(object: &Value, names: &[&str]) -> Value {
    let Kind::Object(entries) = object.kind() else { return object.clone() };
    let mut entries = entries.as_ref().clone();
    for name in names {
        if let Some(entry) = entries.get_mut(*name) {
            *entry = Value::null(Type::Dynamic);
        }
    }
    Value::object(entries)
}

/// A thing stays in its zone, and so does the text of its one block.
fn replaces(prior: &Value, object: &Value) -> Vec<plugin::wire::messages::AttributePath> {
    let mut found = Vec::new();
    if prior.get("zone") != object.get("zone") {
        found.push(path([attribute("zone")]));
    }
    let text = |of: &Value| of.get("one").and_then(|one| one.get("text"));
    if let (Some(before), Some(after)) = (text(prior), text(object))
        && before != after
    {
        found.push(path([attribute("one"), attribute("text")]));
    }
    found
}
