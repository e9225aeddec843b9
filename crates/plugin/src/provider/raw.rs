//! A stored state as providers are shown it. That is the form of Terraform's state: what the schema gives no type has its type beside
//! it, `{"value": …, "type": …}`.

use serde_json::{Map, Value as Json, json};
use value::{Kind, Type, Value, to_json, type_from_json, type_to_json};

use crate::wire::messages::RawState;

/// The state; nothing if a part of it is not known. `ty`: that of the kind by the present schema, by which older ones are judged for
/// the lack of theirs; [`None`] if nobody here knows the kind.
pub(super) fn raw(value: &Value, ty: Option<&Type>) -> Option<RawState> {
    let json = match ty {
        Some(ty) => shaped(value, ty)?,
        None => to_json(value)?,
    };
    Some(RawState { json: json.to_string().into_bytes(), flatmap: Vec::new() })
}

fn shaped(value: &Value, ty: &Type) -> Option<Json> {
    if !ty.has_dynamic() {
        return to_json(value);
    }
    let all = |values: &[Value], ty: &Type| -> Option<Json> {
        values.iter().map(|value| shaped(value, ty)).collect::<Option<Vec<_>>>().map(Json::Array)
    };
    match (value.kind(), ty) {
        (Kind::Null(_), _) => Some(Json::Null),
        (_, Type::Dynamic) if is_wrapped(value) => to_json(value),
        (_, Type::Dynamic) => Some(json!({"value": to_json(value)?, "type": type_to_json(&value.ty())})),
        (
            Kind::List(_, values) | Kind::Set(_, values) | Kind::Tuple(values),
            Type::List(ty) | Type::Set(ty),
        ) => all(values, ty),
        (Kind::Tuple(values), Type::Tuple(types)) if values.len() == types.len() => {
            let each = values.iter().zip(types.iter()).map(|(value, ty)| shaped(value, ty));
            each.collect::<Option<Vec<_>>>().map(Json::Array)
        }
        (Kind::Map(_, entries) | Kind::Object(entries), Type::Map(ty)) => {
            let each = entries.iter().map(|(name, value)| Some((name.to_string(), shaped(value, ty)?)));
            each.collect::<Option<Map<_, _>>>().map(Json::Object)
        }
        (Kind::Object(entries), Type::Object(object)) => {
            let each = entries.iter().map(|(name, value)| {
                let json = match object.attributes.get(name) {
                    Some(attribute) => shaped(value, &attribute.ty)?,
                    // The present schema has it no more.
                    None => to_json(value)?,
                };
                Some((name.to_string(), json))
            });
            each.collect::<Option<Map<_, _>>>().map(Json::Object)
        }
        _ => to_json(value),
    }
}

/// Whether it has its type beside it already, as a state has that was read without the schema.
fn is_wrapped(value: &Value) -> bool {
    value.as_entries().is_some_and(|entries| {
        let ty = entries.get("type").and_then(to_json);
        entries.len() == 2
            && entries.contains_key("value")
            && ty.is_some_and(|ty| type_from_json(&ty).is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::from_json;

    fn check(stored: Json, ty: &Type, shown: Json) {
        let raw = raw(&from_json(&stored), Some(ty)).unwrap();
        assert_eq!(serde_json::from_slice::<Json>(&raw.json).unwrap(), shown);
    }

    #[test]
    fn what_has_no_fixed_type_has_its_type_beside_it() {
        let ty = Type::object([
            ("any", Type::Dynamic),
            ("name", Type::String),
            ("many", Type::list(Type::object([("any", Type::Dynamic)]))),
        ]);
        check(
            json!({"any": [1, "x"], "name": "n", "many": [{"any": null}, {"any": true}], "gone": {"a": 1}}),
            &ty,
            json!({
                "any": {"value": [1, "x"], "type": ["tuple", ["number", "string"]]},
                "name": "n",
                "many": [{"any": null}, {"any": {"value": true, "type": "bool"}}],
                "gone": {"a": 1},
            }),
        );
    }

    #[test]
    fn what_has_its_type_beside_it_already_is_left_alone() {
        let ty = Type::object([("any", Type::Dynamic)]);
        let wrapped = json!({"any": {"value": ["x"], "type": ["list", "string"]}});
        check(wrapped.clone(), &ty, wrapped);
    }

    #[test]
    fn what_is_not_known_is_not_shown() {
        let ty = Type::object([("any", Type::Dynamic)]);
        let value = Value::object([("any", Value::unknown(Type::String))]);
        assert_eq!(raw(&value, Some(&ty)), None);
        assert_eq!(raw(&value, None), None);
    }
}
