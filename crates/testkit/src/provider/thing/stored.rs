//! States as they were stored: by older schemas, and of another kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use plugin::wire::calls::{
    MoveRequest, MoveResponse, UpgradeIdentityRequest, UpgradeIdentityResponse, UpgradeStateRequest,
    UpgradeStateResponse,
};
use plugin::wire::messages::{IdentityData, RawState};
use serde_json::{Map, Value as Json};
use value::{Attribute, ObjectType, Type, Value, from_json_typed, type_from_json};

use super::{OTHER, THING, identity_type, kept};
use crate::provider::Provider;
use crate::provider::calls::Outcome;
use crate::provider::fault::Fault;
use crate::provider::kinds::{IDENTITY_VERSION, VERSION};
use crate::provider::schema::sent;
use crate::provider::shape::{Nesting, Shape};

pub(in crate::provider) fn upgrade(
    provider: &Provider,
    asked: UpgradeStateRequest,
) -> Outcome<UpgradeStateResponse> {
    let kind = asked.type_name.as_str();
    let shape = provider.shape(kind)?;
    let mut json = object(asked.raw_state.as_ref())?;
    match (kind, asked.version) {
        (OTHER, 0) | (THING, VERSION) => {}
        (THING, 1) => {
            if let Some(title) = json.remove("title") {
                json.insert("name".into(), title);
            }
            if let Some(Json::String(size)) = json.get("size") {
                let number = size.parse::<serde_json::Number>();
                let number = number.map_err(|error| Fault::new("Invalid state", format!("size: {error}")))?;
                json.insert("size".into(), Json::Number(number));
            }
        }
        (_, version) => {
            return Err(Fault::new("Unknown version", format!("there is no version {version} of {kind}")));
        }
    }
    let state = of_json(shape, &json)?;
    Ok(UpgradeStateResponse { upgraded_state: sent(&state, &shape.ty()), diagnostics: Vec::new() })
}

pub(in crate::provider) fn upgrade_identity(
    _: &Provider,
    asked: UpgradeIdentityRequest,
) -> Outcome<UpgradeIdentityResponse> {
    let mut json = object(asked.raw_identity.as_ref())?;
    match asked.version {
        IDENTITY_VERSION => {}
        0 => {
            if let Some(key) = json.remove("key") {
                json.insert("id".into(), key);
            }
        }
        version => {
            return Err(Fault::new("Unknown version", format!("there is no identity of version {version}")));
        }
    }
    let ty = identity_type();
    let value = typed(&Json::Object(json), &ty)?;
    let identity = IdentityData { identity_data: sent(&value, &ty) };
    Ok(UpgradeIdentityResponse { upgraded_identity: Some(identity), diagnostics: Vec::new() })
}

pub(in crate::provider) fn take_over(provider: &Provider, asked: MoveRequest) -> Outcome<MoveResponse> {
    let (from, to) = (asked.source_type_name.as_str(), asked.target_type_name.as_str());
    if (from, to) != (OTHER, THING) || asked.source_schema_version != 0 {
        let version = asked.source_schema_version;
        let why = format!(
            "{to} does not take over {from} of version {version} of {}",
            asked.source_provider_address
        );
        return Err(Fault::new("Unable to move", why));
    }
    let shape = provider.shape(to)?;
    let json = object(asked.source_state.as_ref())?;
    let text = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default();
    let mut known = empty(shape);
    known.insert("id".into(), Value::string(text("id")));
    known.insert("name".into(), Value::string(text("title")));
    let state = Value::object(known);
    Ok(MoveResponse {
        target_state: sent(&state, &shape.ty()),
        target_private: kept(text("id")),
        target_identity: provider.identity(to, &state),
        diagnostics: Vec::new(),
    })
}

fn object(raw: Option<&RawState>) -> Outcome<Map<String, Json>> {
    let bytes = raw.map(|raw| raw.json.as_slice()).unwrap_or_default();
    serde_json::from_slice(bytes).map_err(|error| Fault::new("Invalid state", error.to_string()))
}

/// An object in which nothing is said.
pub(super) fn empty(shape: &Shape) -> BTreeMap<Arc<str>, Value> {
    let fields = shape.fields.iter().map(|field| (field.name.into(), Value::null(field.ty())));
    let blocks = shape.blocks.iter().map(|block| {
        let ty = block.shape.ty();
        let value = match block.nesting {
            Nesting::Single => Value::null(ty),
            Nesting::List => Value::list(ty, Vec::new()),
            Nesting::Set => Value::set(ty, Vec::new()),
            Nesting::Map => Value::map(ty, Vec::<(Arc<str>, Value)>::new()),
            Nesting::Group => Value::object(empty(&block.shape)),
        };
        (block.name.into(), value)
    });
    fields.chain(blocks).collect()
}

/// An object of a stored one: what is not there is null, and what is not known any more is left out.
fn of_json(shape: &Shape, json: &Map<String, Json>) -> Outcome<Value> {
    let mut known = empty(shape);
    let fields = shape.fields.iter().map(|field| (field.name, field.ty()));
    let blocks = shape.blocks.iter().map(|block| (block.name, block.nesting.ty(block.shape.ty())));
    for (name, ty) in fields.chain(blocks) {
        match json.get(name) {
            None | Some(Json::Null) => {}
            Some(stored) => {
                known.insert(name.into(), typed(stored, &ty)?);
            }
        }
    }
    Ok(Value::object(known))
}

fn typed(json: &Json, ty: &Type) -> Outcome<Value> {
    let fault = |error: &dyn std::fmt::Display| Fault::new("Invalid state", error.to_string());
    if *ty == Type::Dynamic {
        // With its type beside it, as states have a value whose type the schema leaves open.
        return match (json.get("type"), json.get("value")) {
            (Some(ty), Some(value)) => {
                let ty = type_from_json(ty).map_err(|error| fault(&error))?;
                from_json_typed(value, &ty).map_err(|error| fault(&error))
            }
            _ => Err(Fault::new("Invalid state", "what has no fixed type has its type beside it")),
        };
    }
    from_json_typed(json, &loose(ty)).map_err(|error| fault(&error))
}

/// The type with every attribute as one that may be left out.
fn loose(ty: &Type) -> Type {
    match ty {
        Type::List(element) => Type::list(loose(element)),
        Type::Set(element) => Type::set(loose(element)),
        Type::Map(element) => Type::map(loose(element)),
        Type::Object(object) => {
            let attributes = object.attributes.iter();
            let attributes =
                attributes.map(|(name, it)| (name.clone(), Attribute::optional(loose(&it.ty), None)));
            Type::Object(Arc::new(ObjectType { attributes: attributes.collect() }))
        }
        other => other.clone(),
    }
}
