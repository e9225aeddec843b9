//! A provider's functions as the engine has them.

use engine::stack::provider::{FunctionParameter, FunctionSchema};
use serde_json::{Map, Value as Json, json};
use value::{Type, type_from_json};

use crate::wire::messages::{Function, Parameter};

/// A function.
pub(crate) fn function(function: &Function) -> FunctionSchema {
    let parameter = |parameter: &Parameter| FunctionParameter {
        name: parameter.name.as_str().into(),
        ty: ty(&parameter.r#type),
        is_nullable: parameter.allow_null_value,
        takes_unknown: parameter.allow_unknown_values,
    };
    FunctionSchema {
        parameters: function.parameters.iter().map(parameter).collect(),
        variadic: function.variadic_parameter.as_ref().map(parameter),
        result: function.r#return.as_ref().map_or(Type::Dynamic, |result| ty(&result.r#type)),
        metadata: metadata(function),
    }
}

fn ty(bytes: &[u8]) -> Type {
    let json = serde_json::from_slice(bytes).ok();
    json.and_then(|json| type_from_json(&json).ok()).unwrap_or(Type::Dynamic)
}

/// In the form of `terraform metadata functions -json`.
fn metadata(function: &Function) -> Json {
    let ty = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or_else(|_| json!("dynamic"));
    let parameter = |parameter: &Parameter| {
        let mut object = Map::new();
        object.insert("name".into(), json!(parameter.name));
        if !parameter.description.is_empty() {
            object.insert("description".into(), json!(parameter.description));
        }
        if parameter.allow_null_value {
            object.insert("is_nullable".into(), json!(true));
        }
        object.insert("type".into(), ty(&parameter.r#type));
        Json::Object(object)
    };
    let mut object = Map::new();
    let texts = [
        ("description", &function.description),
        ("summary", &function.summary),
        ("deprecation_message", &function.deprecation_message),
    ];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        object.insert(name.into(), json!(text));
    }
    let result = function.r#return.as_ref().map_or_else(|| json!("dynamic"), |it| ty(&it.r#type));
    object.insert("return_type".into(), result);
    if !function.parameters.is_empty() {
        object.insert("parameters".into(), function.parameters.iter().map(parameter).collect());
    }
    if let Some(variadic) = &function.variadic_parameter {
        object.insert("variadic_parameter".into(), parameter(variadic));
    }
    Json::Object(object)
}
