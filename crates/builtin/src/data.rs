//! `terraform_data`: keeps a value, and is replaced when another changes. Its life is decided here; nothing outside is touched.

use engine::stack::provider::{
    AppliedResource, ApplyResource, Imported, MovedState, Observed, PlanResource, PlannedResource, Remark,
};
use std::sync::Arc;
use value::{Kind, Path, Refinements, Step, Type, Value};

use crate::schema::DATA;

pub(crate) fn plan(request: &PlanResource<'_>) -> PlannedResource {
    let mut planned = request.proposed.clone();
    let mut requires_replace = Vec::new();
    if !request.proposed.is_null() {
        let input = attribute(request.proposed, "input");
        if request.prior.is_null() {
            let id = Value::refined(Type::String, Refinements { not_null: true, ..Refinements::default() });
            planned = with(&planned, [("id", id), ("output", told_by(&input))]);
        } else {
            let before = attribute(request.prior, "input");
            let output = match input.kind() {
                _ if before == input => attribute(request.prior, "output"),
                // What is there is told anew, whatever it comes to.
                Kind::Null(_) => Value::unknown(Type::Dynamic),
                _ => told_by(&input),
            };
            planned = with(&planned, [("output", output)]);
            if attribute(request.prior, "triggers_replace") != attribute(request.proposed, "triggers_replace")
            {
                requires_replace.push(Path(vec![Step::Attribute("triggers_replace".into())]));
            }
        }
    }
    PlannedResource { planned, private: Vec::new(), requires_replace, is_legacy: false, remarks: Vec::new() }
}

pub(crate) fn apply(request: &ApplyResource<'_>) -> AppliedResource {
    let mut remarks = Vec::new();
    let mut value = request.planned.clone();
    if !value.is_null() {
        let mut told = vec![("output", attribute(&value, "input"))];
        if !attribute(&value, "id").is_known() {
            match id() {
                Some(id) => told.push(("id", Value::string(id))),
                None => {
                    remarks.push(Remark::error(
                        "No random numbers",
                        "the operating system gave none, and an id is made of them",
                    ));
                    return AppliedResource {
                        value: request.prior.clone(),
                        private: Vec::new(),
                        identity: None,
                        is_legacy: false,
                        is_in_doubt: false,
                        remarks,
                    };
                }
            }
        }
        value = with(&value, told);
    }
    AppliedResource {
        value,
        private: Vec::new(),
        identity: None,
        is_legacy: false,
        is_in_doubt: false,
        remarks,
    }
}

/// Anything can be taken over: the id is all that there is to know.
pub(crate) fn import(id: &str) -> Imported {
    let nothing = || Value::null(Type::Dynamic);
    let value = Value::object([
        ("id", Value::string(id)),
        ("input", nothing()),
        ("output", nothing()),
        ("triggers_replace", nothing()),
    ]);
    Imported { kind: DATA.into(), object: Observed { value, private: Vec::new(), identity: None } }
}

/// What the output will be, as far as the input tells: its type.
fn told_by(input: &Value) -> Value {
    match input.kind() {
        Kind::Null(_) => Value::null(Type::Dynamic),
        _ => Value::unknown(input.ty()),
    }
}

fn attribute(object: &Value, name: &str) -> Value {
    object.get(name).unwrap_or_else(|| Value::null(Type::Dynamic))
}

fn with(object: &Value, changes: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut entries = object.as_entries().cloned().unwrap_or_default();
    for (name, value) in changes {
        match entries.get_mut(name) {
            Some(entry) => *entry = value,
            None => {
                entries.insert(Arc::from(name), value);
            }
        }
    }
    Value::object(entries)
}

/// A random UUID (RFC 9562, version 4).
fn id() -> Option<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).ok()?;
    let number = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{number:032x}");
    Some(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

/// `null_resource` of the provider `null` becomes `terraform_data`: its triggers become what replaces it.
pub(crate) fn take_over(from: &MovedState) -> Result<Observed, Vec<Remark>> {
    if from.kind.as_ref() != "null_resource" || !from.provider.ends_with("/null") {
        let why = format!("`{}` cannot become a `{DATA}`", from.kind);
        return Err(vec![Remark::error("Unsupported move", why)]);
    }
    let nothing = || Value::null(Type::Dynamic);
    let triggers = from.object.value.get("triggers").filter(|triggers| !triggers.is_null());
    let value = Value::object([
        ("id", attribute(&from.object.value, "id")),
        ("input", nothing()),
        ("output", nothing()),
        ("triggers_replace", triggers.unwrap_or_else(nothing)),
    ]);
    Ok(Observed { value, private: Vec::new(), identity: None })
}
