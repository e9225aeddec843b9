//! Functions of collections of every kind, and of sets.

use std::collections::HashSet;
use std::sync::Arc;

use value::{Bound, Kind, Marks, Number, Refinements, Type, Value, convert, unify};

use super::arguments::{Arguments, Failure};
use super::signature::{Function, Parameter, Shape};

/// The most combinations that `setproduct` makes: beyond it a slip would fill the memory.
const PRODUCT_MAX: usize = 1_000_000;

const FIRST: Parameter = Parameter::new("first_set", Shape::SetOfAny);
const OTHERS: Parameter = Parameter::new("other_sets", Shape::SetOfAny);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "coalesce",
        &[],
        Shape::Any,
        coalesce,
        "The first value that is neither null nor an empty string.",
    )
    .rest(Parameter::new("vals", Shape::Any).nullable().dynamic()),
    Function::new(
        "contains",
        &[Parameter::new("list", Shape::Any).partly_unknown(), Parameter::new("value", Shape::Any).unknown()],
        Shape::Bool,
        contains,
        "Whether a value is an element of a list, set or tuple.",
    )
    .typed(|_| Ok(Type::Bool)),
    Function::new(
        "index",
        &[Parameter::new("list", Shape::Any), Parameter::new("value", Shape::Any)],
        Shape::Number,
        index,
        "The first place at which a list has a value.",
    ),
    Function::new(
        "length",
        &[Parameter::new("value", Shape::Any).dynamic().marked()],
        Shape::Number,
        length,
        "The number of elements of a collection, or of characters of a string.",
    ),
    Function::new(
        "one",
        &[Parameter::new("list", Shape::Any).partly_unknown().marked()],
        Shape::Any,
        one,
        "The only element, or null if there is none.",
    )
    .typed(one_type)
    .may_be_null(),
    Function::new(
        "setintersection",
        &[FIRST],
        Shape::SetOfAny,
        |a| combine(a, intersect),
        "The elements that all of the sets have.",
    )
    .rest(OTHERS)
    .typed(set_type),
    Function::new(
        "setunion",
        &[FIRST],
        Shape::SetOfAny,
        |a| combine(a, unite),
        "The elements that any of the sets has.",
    )
    .rest(OTHERS)
    .typed(set_type),
    Function::new(
        "setsubtract",
        &[Parameter::new("a", Shape::SetOfAny), Parameter::new("b", Shape::SetOfAny)],
        Shape::SetOfAny,
        |a| combine(a, subtract),
        "The elements of the first set that the second does not have.",
    )
    .typed(set_type),
    Function::new(
        "setproduct",
        &[],
        Shape::Any,
        set_product,
        "Every combination of one element from each of the sets.",
    )
    .rest(Parameter::new("sets", Shape::Any).partly_unknown().marked())
    .typed(product_type),
];

fn coalesce(a: &Arguments<'_>) -> Result<Value, Failure> {
    let types: Vec<Type> = a.values.iter().map(Value::ty).collect();
    let Some(ty) = unify(&types) else { return Err(Failure::call("all arguments must have the same type")) };
    for value in &a.values {
        if !value.is_known() {
            let not_null = ty != Type::Dynamic;
            return Ok(Value::refined(ty, Refinements { not_null, ..Refinements::default() }));
        }
        if value.is_null() {
            continue;
        }
        let converted = convert(value, &ty).map_err(|e| Failure::call(e.message))?;
        if converted.as_str() != Some("") {
            return Ok(converted);
        }
    }
    Err(Failure::call("no non-null, non-empty-string arguments"))
}

fn contains(a: &Arguments<'_>) -> Result<Value, Failure> {
    let Some(elements) = a.value(0).as_slice() else {
        return Err(Failure::call("argument must be list, tuple, or set"));
    };
    let mut open = false;
    for element in elements {
        match element.equals(a.value(1)).as_bool() {
            Some(true) => return Ok(Value::bool(true)),
            Some(false) => {}
            None => open = true,
        }
    }
    Ok(if open { Value::unknown(Type::Bool) } else { Value::bool(false) })
}

fn index(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (Kind::List(_, elements) | Kind::Tuple(elements)) = a.value(0).kind() else {
        return Err(Failure::call("argument must be a list or tuple"));
    };
    if elements.is_empty() {
        return Err(Failure::call("cannot search an empty list"));
    }
    let found = elements.iter().position(|element| element.equals(a.value(1)).as_bool() == Some(true));
    found.map(Value::number).ok_or_else(|| Failure::call("item not found"))
}

fn length(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (value, marks) = a.value(0).clone().unmark();
    let count = match (value.kind(), value.ty()) {
        (Kind::String(text), _) => Some(super::string::graphemes(text).count()),
        (_, Type::Tuple(types)) => Some(types.len()),
        (_, Type::Object(object)) => Some(object.attributes.len()),
        (_, Type::List(_) | Type::Set(_) | Type::Map(_)) => value.length(),
        (_, Type::String | Type::Dynamic) => None,
        _ => {
            return Err(Failure::call("argument must be a string, a collection type, or a structural type"));
        }
    };
    let length = count.map_or_else(|| unknown_length(&value), Value::number);
    Ok(length.with_marks(marks))
}

/// An unknown length is not negative, and lies within what is certain about an unknown collection.
fn unknown_length(value: &Value) -> Value {
    let bound = |number: u64| Some(Bound { number: Number::from(number), inclusive: true });
    let (minimum, maximum) = match value.kind() {
        Kind::Unknown(u) => {
            // Text that begins with something is not empty; how long it is, only the whole of it tells.
            let begins = u.refinements.prefix.as_ref().is_some_and(|prefix| !prefix.is_empty());
            (
                bound(u.refinements.length_min.unwrap_or(u64::from(begins))),
                u.refinements.length_max.and_then(bound),
            )
        }
        // A set with unknown elements has at least one, and at most as many as are written.
        Kind::Set(_, elements) => (bound(1), bound(elements.len() as u64)),
        _ => (bound(0), None),
    };
    Value::refined(Type::Number, Refinements { not_null: true, minimum, maximum, ..Refinements::default() })
}

const ONE: &str = "must be a list, set, or tuple value with either zero or one elements";

fn one_type(args: &[Value]) -> Result<Type, Failure> {
    match args[0].ty() {
        Type::List(t) | Type::Set(t) => Ok(t.as_ref().clone()),
        Type::Tuple(ts) if ts.len() < 2 => Ok(ts.first().cloned().unwrap_or(Type::Dynamic)),
        _ => Err(Failure::at(0, ONE)),
    }
}

fn one(a: &Arguments<'_>) -> Result<Value, Failure> {
    let ty = one_type(&a.values)?;
    let marks = a.value(0).marks();
    match a.elements(0) {
        [] => Ok(Value::null(ty).with_marks(marks)),
        [only] => Ok(only.clone().with_marks(marks)),
        // Several elements of a set of which some are unknown may prove to be one.
        several
            if matches!(a.value(0).kind(), Kind::Set(..)) && !several.iter().all(Value::is_wholly_known) =>
        {
            Ok(Value::unknown(ty).with_marks(marks))
        }
        _ => Err(Failure::at(0, ONE)),
    }
}

fn set_type(args: &[Value]) -> Result<Type, Failure> {
    let types: Vec<Type> = args.iter().map(Value::ty).collect();
    unify(&types).ok_or_else(|| Failure::call("given sets must all have compatible element types"))
}

type Combination = fn(Vec<Value>, &[Value]) -> Vec<Value>;

fn combine(a: &Arguments<'_>, combination: Combination) -> Result<Value, Failure> {
    let ty = set_type(&a.values)?;
    let Type::Set(element) = &ty else { return Err(Failure::at(0, "a set is required")) };
    let mut result: Option<Vec<Value>> = None;
    for (at, set) in a.values.iter().enumerate() {
        let set = convert(set, &ty).map_err(|e| Failure::at(at, e.message))?;
        let elements = set.as_slice().unwrap_or_default();
        result = Some(match result {
            None => elements.to_vec(),
            Some(so_far) => combination(so_far, elements),
        });
    }
    Ok(Value::set(element.as_ref().clone(), result.unwrap_or_default()))
}

fn unite(mut a: Vec<Value>, b: &[Value]) -> Vec<Value> {
    a.extend_from_slice(b);
    a
}

fn intersect(a: Vec<Value>, b: &[Value]) -> Vec<Value> {
    let b: HashSet<&Value> = b.iter().collect();
    a.into_iter().filter(|v| b.contains(v)).collect()
}

fn subtract(a: Vec<Value>, b: &[Value]) -> Vec<Value> {
    let b: HashSet<&Value> = b.iter().collect();
    a.into_iter().filter(|v| !b.contains(v)).collect()
}

/// A list of tuples if all of them have an order, and otherwise a set of tuples.
fn product_type(args: &[Value]) -> Result<Type, Failure> {
    if args.len() < 2 {
        return Err(Failure::call("at least two arguments are required"));
    }
    let (mut ordered, mut elements) = (true, Vec::with_capacity(args.len()));
    for (at, arg) in args.iter().enumerate() {
        elements.push(match arg.ty() {
            Type::Set(t) => {
                ordered = false;
                t.as_ref().clone()
            }
            Type::List(t) => t.as_ref().clone(),
            Type::Tuple(ts) if ts.is_empty() => Type::Dynamic,
            Type::Tuple(ts) => {
                unify(&ts).ok_or_else(|| Failure::at(at, "all elements must be of the same type"))?
            }
            _ => return Err(Failure::at(at, "a set or a list is required")),
        });
    }
    let element = Type::tuple(elements);
    Ok(if ordered { Type::list(element) } else { Type::set(element) })
}

fn set_product(a: &Arguments<'_>) -> Result<Value, Failure> {
    let ty = product_type(&a.values)?;
    let (Type::List(element) | Type::Set(element)) = &ty else {
        return Err(Failure::call("a list or set is required"));
    };
    let Type::Tuple(columns) = element.as_ref() else {
        return Err(Failure::call("a list or set is required"));
    };
    let (mut marks, mut sets, mut count) = (Marks::NONE, Vec::new(), 1usize);
    for (arg, column) in a.values.iter().zip(columns.iter()) {
        marks = marks.union(arg.marks());
        let elements: Result<Vec<Value>, _> =
            arg.as_slice().unwrap_or_default().iter().map(|v| convert(v, column)).collect();
        let elements = elements.map_err(|e| Failure::call(e.message))?;
        count = count.saturating_mul(elements.len());
        sets.push(elements);
    }
    if count > PRODUCT_MAX {
        return Err(Failure::call(format!("the product would have more than {PRODUCT_MAX} elements")));
    }
    let mut product = Vec::with_capacity(count);
    for mut number in 0..count {
        // The last set turns fastest: its index is the lowest digit of the combination's number.
        let mut tuple: Vec<Value> = Vec::with_capacity(sets.len());
        for set in sets.iter().rev() {
            tuple.push(set[number % set.len()].clone());
            number /= set.len();
        }
        tuple.reverse();
        product.push(Value::tuple(tuple));
    }
    let element = Arc::clone(element).as_ref().clone();
    let result = if matches!(ty, Type::List(_)) {
        Value::list(element, product)
    } else {
        Value::set(element, product)
    };
    Ok(result.with_marks(marks))
}
