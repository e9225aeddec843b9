//! Data sources: an object by its name, and the process itself.

use std::sync::PoisonError;

use plugin::wire::calls::{ReadDataRequest, ReadDataResponse, ValidateRequest};
use plugin::wire::messages::DiagnosticsOnly;
use value::{Type, Value};

use super::calls::Outcome;
use super::fault::{Fault, attribute};
use super::schema::{heard, sent, text, value};
use super::{Cloud, Provider};

pub(super) fn validate(provider: &Provider, asked: ValidateRequest) -> Outcome<DiagnosticsOnly> {
    let ty = provider.data_type(&asked.type_name)?;
    let config = value(asked.config.as_ref(), &ty)?;
    if text(&config, "name").as_deref() == Some("") {
        return Err(Fault::new("Empty name", "a name has a letter at least").at([attribute("name")]));
    }
    Ok(DiagnosticsOnly::default())
}

pub(super) fn read(provider: &Provider, asked: ReadDataRequest) -> Outcome<ReadDataResponse> {
    heard(provider, asked.provider_meta.as_ref())?;
    let ty = provider.data_type(&asked.type_name)?;
    let config = value(asked.config.as_ref(), &ty)?;
    let state = match asked.type_name.as_str() {
        "scripted_thing" => thing(provider, &config)?,
        _ => process(provider),
    };
    Ok(ReadDataResponse { state: sent(&state, &ty), ..ReadDataResponse::default() })
}

fn thing(provider: &Provider, config: &Value) -> Outcome<Value> {
    let name = text(config, "name").unwrap_or_default();
    let mut id = None;
    for (own, object) in &Cloud::read(&provider.script.cloud)?.objects {
        if text(&object.value()?, "name").as_deref() == Some(name.as_str()) {
            id = Some(own.clone());
        }
    }
    let is_there = Value::bool(id.is_some());
    let id = id.map_or_else(|| Value::null(Type::String), Value::string);
    Ok(Value::object([("name", Value::string(name)), ("id", id), ("is_there", is_there)]))
}

fn process(provider: &Provider) -> Value {
    let variables = std::env::vars_os().map(|(name, value)| {
        (name.to_string_lossy().into_owned(), Value::string(value.to_string_lossy().into_owned()))
    });
    let region = provider.region.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Value::object([
        ("pid", Value::number(i64::from(std::process::id()))),
        ("variables", Value::map(Type::String, variables)),
        ("region", region.map_or_else(|| Value::null(Type::String), Value::string)),
    ])
}

impl Provider {
    fn data_type(&self, kind: &str) -> Outcome<Type> {
        let found = self.data.iter().find(|(name, ..)| *name == kind);
        let found = found.map(|(_, _, shape)| shape.ty());
        found.ok_or_else(|| Fault::new("Unknown kind", format!("there is no data source {kind}")))
    }
}
