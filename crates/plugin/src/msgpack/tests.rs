use proptest::prelude::*;
use value::{Bound, Number, Refinements, Type, Value};

use super::{DecodeError, decode, encode};

fn round(value: &Value, ty: &Type) {
    assert_eq!(decode(&encode(value, ty), ty).as_ref(), Ok(value), "by {ty}");
}

#[test]
fn numbers_are_written_as_the_smallest_form_that_says_them_exactly() {
    let bytes = |text: &str| encode(&Value::number(text.parse::<Number>().unwrap()), &Type::Number);
    assert_eq!(bytes("5"), [5]);
    assert_eq!(bytes("-1"), [0xff]);
    assert_eq!(bytes("1.5")[0], 0xcb);
    // One tenth is no float, and travels as text.
    assert_eq!(bytes("0.1"), [0xa3, b'0', b'.', b'1']);
    for text in ["0", "-129", "9223372036854775808", "123456789012345678901234567890", "0.1", "1e-30"] {
        round(&Value::number(text.parse::<Number>().unwrap()), &Type::Number);
    }
}

#[test]
fn what_is_unknown_is_an_extension() {
    assert_eq!(encode(&Value::unknown(Type::String), &Type::String), [0xd4, 0, 0]);
    assert_eq!(encode(&Value::unknown(Type::Dynamic), &Type::Dynamic), [0xd4, 0, 0]);
    // Not null: a map of one entry, 1 to false, in an extension of the number 12.
    let not_null = Value::refined(Type::String, Refinements { not_null: true, ..Refinements::default() });
    assert_eq!(encode(&not_null, &Type::String), [0xc7, 3, 12, 0x81, 1, 0xc2]);
}

#[test]
fn what_is_certain_of_an_unknown_value_survives() {
    let number = Refinements {
        not_null: true,
        minimum: Some(Bound { number: Number::from(2_usize), inclusive: true }),
        maximum: Some(Bound { number: "7.25".parse().unwrap(), inclusive: false }),
        ..Refinements::default()
    };
    round(&Value::refined(Type::Number, number), &Type::Number);
    let text = Refinements { prefix: Some("arn:".into()), ..Refinements::default() };
    round(&Value::refined(Type::String, text), &Type::String);
    let list = Refinements { length_min: Some(1), length_max: Some(70_000), ..Refinements::default() };
    round(&Value::refined(Type::list(Type::Bool), list), &Type::list(Type::Bool));
}

#[test]
fn an_extension_that_nobody_knows_is_unknown() {
    let bytes = [0xd5, 77, 1, 2];
    assert_eq!(decode(&bytes, &Type::Bool), Ok(Value::unknown(Type::Bool)));
}

#[test]
fn a_value_of_any_type_carries_its_type() {
    let value = Value::object([("a", Value::list(Type::String, vec![Value::string("x")]))]);
    let bytes = encode(&value, &Type::Dynamic);
    assert_eq!(bytes[0], 0x92);
    round(&value, &Type::Dynamic);
    round(&Value::null(Type::Dynamic), &Type::Dynamic);
    round(&Value::null(Type::String), &Type::Dynamic);
    round(&Value::unknown(Type::Bool), &Type::Dynamic);
}

#[test]
fn a_fault_names_the_place() {
    let ty = Type::object([("ports", Type::list(Type::Number))]);
    let wrong = Value::object([("ports", Value::list(Type::String, vec![Value::string("x")]))]);
    let bytes = encode(&wrong, &Type::object([("ports", Type::list(Type::String))]));
    let fault = decode(&bytes, &ty).unwrap_err();
    assert_eq!(fault.to_string(), ".ports[0]: a number was expected, and \"x\" is there");
    let short = decode(&bytes[..3], &ty).unwrap_err();
    assert_eq!(short, DecodeError::Broken);
}

fn any_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![Just(Type::Bool), Just(Type::Number), Just(Type::String)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::map),
            inner.clone().prop_map(Type::set),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Type::tuple),
            prop::collection::btree_map("[a-c]", inner, 0..3).prop_map(Type::object),
        ]
    })
}

fn any_value(ty: &Type) -> BoxedStrategy<Value> {
    let null = Just(Value::null(ty.clone()));
    let unknown = Just(Value::unknown(ty.clone()));
    let known: BoxedStrategy<Value> = match ty.clone() {
        Type::Bool => any::<bool>().prop_map(Value::bool).boxed(),
        Type::Number => any::<i64>().prop_map(Value::number).boxed(),
        Type::String => "[a-z]{0,40}".prop_map(Value::string).boxed(),
        Type::List(element) => prop::collection::vec(any_value(&element), 0..4)
            .prop_map(move |all| Value::list(element.as_ref().clone(), all))
            .boxed(),
        Type::Set(element) => prop::collection::vec(any_value(&element), 0..4)
            .prop_map(move |all| Value::set(element.as_ref().clone(), all))
            .boxed(),
        Type::Map(element) => prop::collection::btree_map("[a-c]", any_value(&element), 0..4)
            .prop_map(move |all| Value::map(element.as_ref().clone(), all))
            .boxed(),
        Type::Tuple(types) => types.iter().map(any_value).collect::<Vec<_>>().prop_map(Value::tuple).boxed(),
        Type::Object(object) => {
            let names: Vec<_> = object.attributes.keys().cloned().collect();
            let values: Vec<_> = object.attributes.values().map(|a| any_value(&a.ty)).collect();
            values.prop_map(move |all| Value::object(names.iter().cloned().zip(all))).boxed()
        }
        Type::Dynamic => Just(Value::string("x")).boxed(),
    };
    prop_oneof![1 => null, 1 => unknown, 8 => known].boxed()
}

proptest! {
    #[test]
    fn what_is_written_is_read_again((ty, value) in any_type().prop_flat_map(|ty| {
        let values = any_value(&ty);
        (Just(ty), values)
    })) {
        prop_assert_eq!(decode(&encode(&value, &ty), &ty), Ok(value.clone()));
        prop_assert_eq!(decode(&encode(&value, &Type::Dynamic), &Type::Dynamic), Ok(value));
    }

    #[test]
    fn foreign_bytes_are_a_value_or_a_fault((ty, bytes) in (any_type(), prop::collection::vec(any::<u8>(), 0..64))) {
        let _ = decode(&bytes, &ty);
        let _ = decode(&bytes, &Type::Dynamic);
    }
}
