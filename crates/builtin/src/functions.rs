//! The functions `encode_tfvars`, `decode_tfvars` and `encode_expr`.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::stack::provider::Remark;
use serde_json::json;
use value::{Type, Value};

/// The functions' signatures, as metadata in JSON has them.
pub(crate) fn signatures() -> BTreeMap<Arc<str>, serde_json::Value> {
    let one = |summary: &str, returns: &str, name: &str, ty: &str| {
        json!({
            "description": summary,
            "summary": summary,
            "return_type": returns,
            "parameters": [{ "name": name, "type": ty }],
        })
    };
    BTreeMap::from([
        (
            "decode_tfvars".into(),
            one("The values of a text in the form of a `.tfvars` file", "dynamic", "src", "string"),
        ),
        ("encode_expr".into(), one("A value as an expression of the language", "string", "value", "dynamic")),
        (
            "encode_tfvars".into(),
            one("An object as a text in the form of a `.tfvars` file", "string", "value", "dynamic"),
        ),
    ])
}

pub(crate) fn call(function: &str, arguments: &[Value]) -> Result<Value, Remark> {
    let [argument] = arguments else {
        return Err(Remark::error("Wrong number of arguments", format!("`{function}` takes one argument")));
    };
    match function {
        "encode_expr" => {
            if !argument.is_wholly_known() {
                return Ok(Value::unknown(Type::String));
            }
            lang::write::expression(argument).map(Value::string).ok_or_else(|| unwritable(function))
        }
        "encode_tfvars" => {
            if !argument.is_wholly_known() {
                return Ok(Value::unknown(Type::String));
            }
            let entries = argument
                .as_entries()
                .ok_or_else(|| Remark::error("Invalid value to encode", "an object is required"))?;
            if let Some(name) = entries.keys().find(|name| !lang::syntax::is_identifier(name)) {
                let why = format!("{name:?} cannot be the name of a variable");
                return Err(Remark::error("Invalid value to encode", why));
            }
            let entries = entries.iter().map(|(name, value)| (name.as_ref(), value));
            lang::write::attributes(entries, 0).map(Value::string).ok_or_else(|| unwritable(function))
        }
        _ => Err(Remark::error("Unknown function", format!("the provider has no function `{function}`"))),
    }
}

fn unwritable(function: &str) -> Remark {
    Remark::error(
        "Invalid value to encode",
        format!("`{function}` cannot write a value that is not known yet"),
    )
}
