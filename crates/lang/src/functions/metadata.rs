//! The signatures of all functions as data, in the form of `terraform metadata functions -json`.

use serde_json::{Map, Value as Json, json};

use super::signature::{Parameter, Shape, Signature};
use super::{names, signature};

/// Functions whose result Terraform calls dynamic, although it is of one type. What an unknown result is does not follow this.
const CALLED_DYNAMIC: [&str; 6] = ["contains", "format", "formatlist", "index", "parseint", "sum"];

/// Every function under its name and under its long name (`core::abs`), with what it takes and returns. The descriptions are our
/// own words.
#[must_use]
pub fn metadata() -> Json {
    let mut functions = Map::new();
    let mut add = |name: &str, function: Json| {
        functions.insert(format!("core::{name}"), function.clone());
        functions.insert(name.to_owned(), function);
    };
    for name in names() {
        if let Some(signature) = signature(name) {
            add(name, described(signature));
        }
    }
    // The evaluator's own, which have no signature because their arguments may fail.
    add(
        "try",
        json!({
            "description": "The value of the first argument that has no fault.",
            "return_type": "dynamic",
            "variadic_parameter": { "name": "expressions", "type": "dynamic" },
        }),
    );
    add(
        "can",
        json!({
            "description": "Whether an expression has a value without a fault.",
            "return_type": "bool",
            "parameters": [{ "name": "expression", "type": "dynamic" }],
        }),
    );
    json!({ "format_version": "1.0", "function_signatures": functions })
}

fn described(signature: &Signature) -> Json {
    let mut function = Map::new();
    function.insert("description".to_owned(), signature.doc.into());
    let is_called_dynamic = CALLED_DYNAMIC.contains(&signature.name);
    let returns = if is_called_dynamic { Shape::Any } else { signature.returns };
    function.insert("return_type".to_owned(), type_of(returns));
    if !signature.parameters.is_empty() {
        function.insert("parameters".to_owned(), signature.parameters.iter().map(parameter).collect());
    }
    if let Some(rest) = &signature.variadic {
        function.insert("variadic_parameter".to_owned(), parameter(rest));
    }
    function.into()
}

fn parameter(parameter: &Parameter) -> Json {
    let mut described = Map::new();
    described.insert("name".to_owned(), parameter.name.into());
    if parameter.nullable {
        described.insert("is_nullable".to_owned(), true.into());
    }
    described.insert("type".to_owned(), type_of(parameter.shape));
    described.into()
}

fn type_of(shape: Shape) -> Json {
    value::type_to_json(&shape.ty())
}
