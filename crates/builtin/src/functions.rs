//! The functions `encode_tfvars`, `decode_tfvars` and `encode_expr`.

use std::collections::BTreeMap;
use std::sync::Arc;

use diag::FileId;
use engine::stack::provider::{FunctionParameter, FunctionSchema, Remark};
use serde_json::json;
use value::{Type, Value, type_to_json};

/// The functions that there are.
pub(crate) fn schemas() -> BTreeMap<Arc<str>, FunctionSchema> {
    BTreeMap::from([
        (
            "decode_tfvars".into(),
            of_one(
                "The values of a text in the form of a `.tfvars` file",
                Type::Dynamic,
                "src",
                Type::String,
            ),
        ),
        (
            "encode_expr".into(),
            of_one("A value as an expression of the language", Type::String, "value", Type::Dynamic),
        ),
        (
            "encode_tfvars".into(),
            of_one(
                "An object as a text in the form of a `.tfvars` file",
                Type::String,
                "value",
                Type::Dynamic,
            ),
        ),
    ])
}

/// A function of one parameter.
fn of_one(summary: &str, result: Type, name: &str, ty: Type) -> FunctionSchema {
    let metadata = json!({
        "description": summary,
        "summary": summary,
        "return_type": type_to_json(&result),
        "parameters": [{ "name": name, "type": type_to_json(&ty) }],
    });
    let parameter = FunctionParameter { name: name.into(), ty, is_nullable: false, takes_unknown: false };
    FunctionSchema { parameters: vec![parameter], variadic: None, result, metadata }
}

pub(crate) fn call(function: &str, arguments: &[Value]) -> Result<Value, Remark> {
    let [argument] = arguments else {
        return Err(Remark::error("Wrong number of arguments", format!("`{function}` takes one argument")));
    };
    match function {
        "encode_expr" => {
            lang::write::expression(argument).map(Value::string).ok_or_else(|| unwritable(function))
        }
        "encode_tfvars" => {
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
        "decode_tfvars" => decode(argument.as_str().unwrap_or_default()),
        _ => Err(Remark::error("Unknown function", format!("the provider has no function `{function}`"))),
    }
}

fn decode(text: &str) -> Result<Value, Remark> {
    let parsed = lang::values::parse_hcl(FileId(0), text);
    if let Some(fault) = parsed.diagnostics.0.first() {
        let before = fault.span.and_then(|span| text.get(..span.start as usize)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        return Err(Remark::error("Invalid content", format!("line {line} of the text: {}", fault.message)));
    }
    Ok(Value::object(parsed.tree.into_iter().map(|given| (given.name.name, given.value))))
}

fn unwritable(function: &str) -> Remark {
    Remark::error(
        "Invalid value to encode",
        format!("`{function}` cannot write a value that is not known yet"),
    )
}
