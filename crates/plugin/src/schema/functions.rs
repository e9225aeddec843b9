//! A provider's functions in the form of `terraform metadata functions -json`.

use serde_json::{Map, Value as Json, json};

use crate::wire::messages::{Function, Parameter};

/// The signature of a function.
pub(crate) fn signature(function: &Function) -> Json {
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
