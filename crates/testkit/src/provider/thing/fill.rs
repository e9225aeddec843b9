//! The parts of an object that the provider says: unknown in a plan, and known after the apply.

use value::{Bound, Kind, Number, Refinements, Type, Value};

use crate::provider::shape::{Field, Nested, Of, Shape};

/// What is proposed, with unknown values where the provider will say something and nothing is known of it yet.
pub(super) fn open(shape: &Shape, proposed: &Value) -> Value {
    let Kind::Object(entries) = proposed.kind() else { return proposed.clone() };
    let fields = shape.fields.iter().map(|field| {
        let null = || Value::null(field.ty());
        let value = entries.get(field.name).cloned().unwrap_or_else(null);
        let value = match &field.of {
            _ if field.is_write_only => null(),
            _ if field.is_computed() && value.is_null() => expected(field),
            Of::Objects(_, fields) => each(&value, &|one| open(&Shape::of(fields.clone()), one)),
            Of::Type(_) => value,
        };
        (field.name, value)
    });
    let blocks = shape.blocks.iter().map(|block| {
        let value = entries.get(block.name).cloned().unwrap_or_else(|| Value::null(Type::Dynamic));
        (block.name, each(&value, &|one| open(&block.shape, one)))
    });
    Value::object(fields.chain(blocks).collect::<Vec<_>>())
}

/// What is known of an attribute before it is.
fn expected(field: &Field) -> Value {
    let bound = |number: i64| Some(Bound { number: Number::from(number), inclusive: true });
    let certain = Refinements { not_null: true, ..Refinements::default() };
    let refinements = match field.name {
        "enabled" => return Value::bool(true),
        "id" | "revision" | "secret_length" => certain,
        "address" => Refinements { prefix: Some("thing://".into()), ..certain },
        "port" => Refinements { minimum: bound(8000), maximum: bound(65_535), ..certain },
        "endpoints" => Refinements { length_min: Some(1), length_max: Some(3), ..certain },
        _ => Refinements::default(),
    };
    Value::refined(field.ty(), refinements)
}

/// What an object is made with.
pub(super) struct Made {
    pub(super) id: String,
    pub(super) serial: u64,
    pub(super) revision: i64,
    pub(super) secret_length: i64,
}

/// What is planned, with everything known: what was unknown is what is described, or what the provider says.
pub(super) fn close(shape: &Shape, planned: &Value, described: &Value, made: &Made) -> Value {
    let Kind::Object(entries) = planned.kind() else { return planned.clone() };
    let described = described.as_entries();
    let described = |name: &str| described.and_then(|entries| entries.get(name)).filter(|it| it.is_known());
    let fields = shape.fields.iter().map(|field| {
        let null = || Value::null(field.ty());
        let mut value = entries.get(field.name).cloned().unwrap_or_else(null);
        if !value.is_known() {
            value = described(field.name).cloned().unwrap_or_else(null);
        }
        let value = match &field.of {
            _ if field.is_write_only => null(),
            _ if field.is_computed() && value.is_null() => said(field, made, |name| {
                let own = entries.get(name).filter(|own| own.is_known());
                own.or_else(|| described(name)).cloned()
            }),
            Of::Objects(_, fields) => {
                settled(&Shape::of(fields.clone()), &value, described(field.name), made)
            }
            // Parts of it may have been unknown.
            Of::Type(_) if !value.is_wholly_known() => described(field.name).cloned().unwrap_or(value),
            Of::Type(_) => value,
        };
        (field.name, value)
    });
    let blocks = shape.blocks.iter().map(|block: &Nested| {
        let value = entries.get(block.name).cloned().unwrap_or_else(|| Value::null(Type::Dynamic));
        (block.name, settled(&block.shape, &value, described(block.name), made))
    });
    Value::object(fields.chain(blocks).collect::<Vec<_>>())
}

/// Objects of a collection, each closed by the one that is described for it.
fn settled(shape: &Shape, planned: &Value, described: Option<&Value>, made: &Made) -> Value {
    let nothing = Value::null(Type::Dynamic);
    let planned = if planned.is_known() { planned } else { described.unwrap_or(planned) };
    match planned.kind() {
        Kind::Object(_) => close(shape, planned, described.unwrap_or(&nothing), made),
        Kind::List(ty, elements) => {
            let described = described.and_then(Value::as_slice).unwrap_or_default();
            let each = elements.iter().enumerate();
            let each = each.map(|(at, one)| close(shape, one, described.get(at).unwrap_or(&nothing), made));
            Value::list(ty.as_ref().clone(), each.collect::<Vec<_>>())
        }
        Kind::Map(ty, entries) => {
            let described = described.and_then(Value::as_entries);
            let each = entries.iter().map(|(key, one)| {
                let described = described.and_then(|described| described.get(key)).unwrap_or(&nothing);
                (key.clone(), close(shape, one, described, made))
            });
            Value::map(ty.as_ref().clone(), each)
        }
        Kind::Set(ty, elements) => {
            // An element of a set is found by what is written in it. Where that was unknown, it is what is described.
            let written = |one: &Value| {
                shape
                    .fields
                    .iter()
                    .filter(|field| !field.is_computed())
                    .all(|field| one.get(field.name).is_some_and(|value| value.is_wholly_known()))
            };
            let elements = match described.and_then(Value::as_slice) {
                Some(described) if !elements.iter().all(written) => described,
                _ => elements.as_ref(),
            };
            Value::set(ty.as_ref().clone(), elements.iter().map(|one| close(shape, one, one, made)))
        }
        _ => planned.clone(),
    }
}

fn each(value: &Value, one: &dyn Fn(&Value) -> Value) -> Value {
    match value.kind() {
        Kind::Object(_) => one(value),
        Kind::List(ty, elements) => {
            Value::list(ty.as_ref().clone(), elements.iter().map(one).collect::<Vec<_>>())
        }
        Kind::Set(ty, elements) => Value::set(ty.as_ref().clone(), elements.iter().map(one)),
        Kind::Map(ty, entries) => {
            Value::map(ty.as_ref().clone(), entries.iter().map(|(key, value)| (key.clone(), one(value))))
        }
        _ => value.clone(),
    }
}

/// What the provider says of an attribute. Inside of blocks that goes by what is beside it.
fn said(field: &Field, made: &Made, beside: impl Fn(&str) -> Option<Value>) -> Value {
    let text = |name: &str| beside(name).and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default();
    match field.name {
        "id" => Value::string(made.id.as_str()),
        "address" => Value::string(format!("thing://{}", made.id)),
        "port" => Value::number(i64::try_from(8000 + made.serial).unwrap_or(8000)),
        "endpoints" => Value::list(Type::String, vec![Value::string(format!("thing://{}/0", made.id))]),
        "revision" => Value::number(made.revision),
        "secret_length" => Value::number(made.secret_length),
        "enabled" => Value::bool(true),
        "mark" => Value::string(format!("mark-{}", text("text"))),
        "key" => Value::string(format!("key-{}", text("host"))),
        "token" => {
            let port = beside("port").and_then(|port| port.as_number().map(ToString::to_string));
            Value::string(format!("token-{}", port.unwrap_or_default()))
        }
        _ => Value::number(1),
    }
}
