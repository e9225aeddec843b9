//! Functions of sequences: lists, tuples, and sets where their order does not matter.

use std::collections::HashSet;

use value::{Kind, Marks, Type, Value, convert, unify};

use super::arguments::{Arguments, Failure, integer};
use super::signature::{Function, Parameter, Shape};

const LIST: Parameter = Parameter::new("list", Shape::Any);
const STRINGS: Parameter = Parameter::new("list", Shape::ListOfString);
const BOOLS: Parameter = Parameter::new("list", Shape::ListOfBool).partly_unknown();

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "alltrue",
        &[BOOLS],
        Shape::Bool,
        |a| Ok(quantify(a, false)),
        "Whether every element is true.",
    ),
    Function::new(
        "anytrue",
        &[BOOLS],
        Shape::Bool,
        |a| Ok(quantify(a, true)),
        "Whether some element is true.",
    ),
    Function::new(
        "chunklist",
        &[
            Parameter::new("list", Shape::ListOfAny).partly_unknown().marked(),
            Parameter::new("size", Shape::Number),
        ],
        Shape::ListOfLists,
        chunk_list,
        "The list cut into lists of a size.",
    )
    .typed(|args| Ok(Type::list(args[0].ty()))),
    Function::new("coalescelist", &[], Shape::Any, coalesce_list, "The first list that is not empty.")
        .rest(Parameter::new("vals", Shape::Any).nullable().dynamic()),
    Function::new(
        "compact",
        &[STRINGS],
        Shape::ListOfString,
        compact,
        "The list without empty and null strings.",
    ),
    Function::new("concat", &[], Shape::Any, concat, "The lists, one after another.")
        .rest(Parameter::new("seqs", Shape::Any).partly_unknown().marked())
        .typed(concat_type),
    Function::new(
        "distinct",
        &[Parameter::new("list", Shape::ListOfAny)],
        Shape::ListOfAny,
        distinct,
        "The list without repetitions.",
    )
    .typed(|args| Ok(args[0].ty())),
    Function::new(
        "element",
        &[LIST.partly_unknown().marked(), Parameter::new("index", Shape::Number)],
        Shape::Any,
        element,
        "The element at an index, which goes round at the ends.",
    )
    .typed(element_type)
    .may_be_null(),
    Function::new(
        "flatten",
        &[LIST.partly_unknown().marked()],
        Shape::Any,
        flatten,
        "The list with its inner lists dissolved.",
    ),
    Function::new(
        "matchkeys",
        &[
            Parameter::new("values", Shape::ListOfAny),
            Parameter::new("keys", Shape::ListOfAny),
            Parameter::new("searchset", Shape::ListOfAny),
        ],
        Shape::ListOfAny,
        match_keys,
        "The values whose keys are among those searched for.",
    )
    .typed(|args| Ok(args[0].ty())),
    Function::new("reverse", &[LIST.partly_unknown().marked()], Shape::Any, reverse, "The list backwards.")
        .typed(reverse_type),
    Function::new(
        "slice",
        &[
            LIST.partly_unknown().marked(),
            Parameter::new("start_index", Shape::Number),
            Parameter::new("end_index", Shape::Number),
        ],
        Shape::Any,
        slice,
        "The elements from an index to before another.",
    )
    .typed(|args| match args[0].ty() {
        list @ Type::List(_) => Ok(list),
        _ => Ok(Type::Dynamic),
    }),
    Function::new("sort", &[STRINGS], Shape::ListOfString, sort, "The strings in the order of their bytes."),
];

/// `alltrue` looks for a false one (or null), `anytrue` for a true one; an unknown one leaves it open.
fn quantify(a: &Arguments<'_>, wanted: bool) -> Value {
    let mut open = false;
    for element in a.elements(0) {
        if element.is_known() {
            if (element.as_bool() == Some(true)) == wanted {
                return Value::bool(wanted);
            }
        } else {
            open = true;
        }
    }
    if open { Value::unknown(Type::Bool) } else { Value::bool(!wanted) }
}

fn chunk_list(a: &Arguments<'_>) -> Result<Value, Failure> {
    let size = integer(&a.number(1)).map_err(|e| Failure::call(format!("invalid size: {e}")))?;
    let size = usize::try_from(size).map_err(|_| Failure::call("the size argument must be positive"))?;
    let (list, marks) = a.value(0).clone().unmark();
    let (ty, elements) = (list.ty(), list.as_slice().unwrap_or_default());
    let Type::List(element) = &ty else { return Err(Failure::at(0, "a list is required")) };
    let size = if size == 0 { elements.len().max(1) } else { size };
    let chunks: Vec<Value> =
        elements.chunks(size).map(|c| Value::list(element.as_ref().clone(), c)).collect();
    Ok(Value::list(ty, chunks).with_marks(marks))
}

fn coalesce_list(a: &Arguments<'_>) -> Result<Value, Failure> {
    if a.values.is_empty() {
        return Err(Failure::call("at least one argument is required"));
    }
    let is_list = |value: &Value| matches!(value.ty(), Type::List(_) | Type::Tuple(_) | Type::Dynamic);
    if !a.values.iter().all(|value| is_list(value) && !(value.is_null() && value.ty() == Type::Dynamic)) {
        return Err(Failure::call("coalescelist arguments must be lists or tuples"));
    }
    for value in &a.values {
        if !value.is_known() {
            let ty = value.ty();
            let same = a.values.iter().all(|other| other.ty() == ty);
            return Ok(Value::unknown(if same { ty } else { Type::Dynamic }));
        }
        match value.kind() {
            Kind::List(_, elements) | Kind::Tuple(elements) if !elements.is_empty() => {
                return Ok(value.clone());
            }
            _ => {}
        }
    }
    Err(Failure::call("no non-null arguments"))
}

fn compact(a: &Arguments<'_>) -> Result<Value, Failure> {
    let kept: Vec<Value> =
        a.elements(0).iter().filter(|v| v.as_str().is_some_and(|s| !s.is_empty())).cloned().collect();
    Ok(Value::list(Type::String, kept))
}

/// A list if all of them are lists that have an element type in common, and otherwise a tuple; `Dynamic` where an unknown list
/// hides how many elements that has.
fn concat_type(args: &[Value]) -> Result<Type, Failure> {
    if args.is_empty() {
        return Err(Failure::call("at least one argument is required"));
    }
    let (mut lists, mut elements) = (Vec::new(), Vec::new());
    let mut open = false;
    for (at, arg) in args.iter().enumerate() {
        let ty = arg.ty();
        match &ty {
            Type::List(t) => {
                lists.push(t.as_ref().clone());
                match arg.as_slice() {
                    Some(of) => elements.extend(of.iter().map(|_| t.as_ref().clone())),
                    None => open = true,
                }
            }
            Type::Tuple(ts) => elements.extend(ts.iter().cloned()),
            other => {
                let message = format!("all arguments must be lists or tuples; got {}", friendly(other));
                return Err(Failure::at(at, message));
            }
        }
    }
    if lists.len() == args.len()
        && let Some(unified) = unify(&lists)
    {
        return Ok(Type::list(unified));
    }
    Ok(if open { Type::Dynamic } else { Type::tuple(elements) })
}

/// A type in a message: `set of string`, `tuple`.
pub(super) fn friendly(ty: &Type) -> String {
    match ty {
        Type::List(t) | Type::Set(t) | Type::Map(t) => format!("{} of {}", ty.kind_name(), friendly(t)),
        other => other.kind_name().to_owned(),
    }
}

fn concat(a: &Arguments<'_>) -> Result<Value, Failure> {
    let ty = concat_type(&a.values)?;
    let (mut elements, mut marks) = (Vec::new(), Marks::NONE);
    for arg in &a.values {
        marks = marks.union(arg.marks());
        elements.extend_from_slice(arg.as_slice().unwrap_or_default());
    }
    let all = Value::tuple(elements);
    let all = if matches!(ty, Type::List(_)) {
        convert(&all, &ty).map_err(|e| Failure::call(e.message))?
    } else {
        all
    };
    Ok(all.with_marks(marks))
}

fn distinct(a: &Arguments<'_>) -> Result<Value, Failure> {
    let Type::List(element) = a.value(0).ty() else { return Err(Failure::at(0, "a list is required")) };
    let mut seen = HashSet::new();
    let kept: Vec<Value> = a.elements(0).iter().filter(|v| seen.insert(*v)).cloned().collect();
    Ok(Value::list(element.as_ref().clone(), kept))
}

fn element_type(args: &[Value]) -> Result<Type, Failure> {
    match args[0].ty() {
        Type::List(t) => Ok(t.as_ref().clone()),
        Type::Tuple(ts) => {
            let at = args[1].as_number().and_then(value::Number::to_i64).zip(i64::try_from(ts.len()).ok());
            match at {
                Some((at, count)) if count > 0 => Ok(usize::try_from(at.rem_euclid(count))
                    .ok()
                    .and_then(|at| ts.get(at))
                    .cloned()
                    .unwrap_or(Type::Dynamic)),
                _ => Ok(Type::Dynamic),
            }
        }
        other => Err(Failure::call(format!("cannot read elements from {}", friendly(&other)))),
    }
}

fn element(a: &Arguments<'_>) -> Result<Value, Failure> {
    let list = a.value(0);
    let (Kind::List(_, elements) | Kind::Tuple(elements)) = list.kind() else {
        return Err(Failure::call(format!("cannot read elements from {}", friendly(&list.ty()))));
    };
    let index = integer(&a.number(1)).map_err(|e| Failure::call(format!("invalid index: {e}")))?;
    let count = i64::try_from(elements.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Err(Failure::call("cannot use element function with an empty list"));
    }
    let at = usize::try_from(index.rem_euclid(count)).unwrap_or(0);
    Ok(elements[at].clone().with_marks(list.marks()))
}

fn flatten(a: &Arguments<'_>) -> Result<Value, Failure> {
    if a.value(0).as_slice().is_none() {
        return Err(Failure::call("can only flatten lists, sets and tuples"));
    }
    let (mut flat, mut marks) = (Vec::new(), Marks::NONE);
    let closed = flatten_into(a.value(0), &mut flat, &mut marks);
    let result = if closed { Value::tuple(flat) } else { Value::unknown(Type::Dynamic) };
    Ok(result.with_marks(marks))
}

/// Adds the innermost elements; `false` where an unknown list may have any number of them.
fn flatten_into(value: &Value, flat: &mut Vec<Value>, marks: &mut Marks) -> bool {
    match value.kind() {
        Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) => {
            *marks = marks.union(value.marks());
            let mut closed = true;
            for element in elements.iter() {
                closed &= flatten_into(element, flat, marks);
            }
            closed
        }
        Kind::Unknown(u) if matches!(u.ty, Type::List(_) | Type::Set(_) | Type::Tuple(_) | Type::Dynamic) => {
            *marks = marks.union(value.marks());
            false
        }
        _ => {
            flat.push(value.clone());
            true
        }
    }
}

fn match_keys(a: &Arguments<'_>) -> Result<Value, Failure> {
    let Type::List(element) = a.value(0).ty() else { return Err(Failure::at(0, "a list is required")) };
    let Some(common) = unify(&[a.value(1).ty(), a.value(2).ty()]) else {
        return Err(Failure::call("keys and searchset must be of the same type"));
    };
    let in_common = |at: usize| convert(a.value(at), &common).map_err(|e| Failure::at(at, e.message));
    let (keys, searched) = (in_common(1)?, in_common(2)?);
    let (values, keys) = (a.elements(0), keys.as_slice().unwrap_or_default());
    if values.len() != keys.len() {
        return Err(Failure::call("length of keys and values should be equal"));
    }
    let searched: HashSet<&Value> = searched.as_slice().unwrap_or_default().iter().collect();
    let found: Vec<Value> = values
        .iter()
        .zip(keys)
        .filter(|(_, key)| searched.contains(key))
        .map(|(value, _)| value.clone())
        .collect();
    Ok(Value::list(element.as_ref().clone(), found))
}

fn reverse_type(args: &[Value]) -> Result<Type, Failure> {
    match args[0].ty() {
        list @ Type::List(_) => Ok(list),
        Type::Set(t) => Ok(Type::list(t.as_ref().clone())),
        Type::Tuple(ts) => Ok(Type::tuple(ts.iter().rev().cloned().collect::<Vec<_>>())),
        other => {
            let message = format!("can only reverse list or tuple values, not {}", other.kind_name());
            Err(Failure::at(0, message))
        }
    }
}

fn reverse(a: &Arguments<'_>) -> Result<Value, Failure> {
    let ty = reverse_type(&a.values)?;
    let backwards: Vec<Value> = a.elements(0).iter().rev().cloned().collect();
    let result = match ty {
        Type::List(t) => Value::list(t.as_ref().clone(), backwards),
        _ => Value::tuple(backwards),
    };
    Ok(result.with_marks(a.value(0).marks()))
}

fn slice(a: &Arguments<'_>) -> Result<Value, Failure> {
    let list = a.value(0);
    let (Kind::List(_, elements) | Kind::Tuple(elements)) = list.kind() else {
        return Err(Failure::at(
            0,
            match list.ty() {
                Type::Set(_) => {
                    "cannot slice a set, because its elements do not have indices; explicitly convert to a list if the \
                 ordering of the result is not important"
                }
                _ => "must be a list or tuple value",
            },
        ));
    };
    let bound = |at: usize, name: &str| -> Result<usize, Failure> {
        let index =
            integer(&a.number(at)).map_err(|e| Failure::at(at, format!("invalid {name} index: {e}")))?;
        let index = usize::try_from(index)
            .map_err(|_| Failure::at(at, format!("{name} index must not be less than zero")))?;
        if index > elements.len() {
            return Err(Failure::at(
                at,
                format!("{name} index must not be greater than the length of the list"),
            ));
        }
        Ok(index)
    };
    let (start, end) = (bound(1, "start")?, bound(2, "end")?);
    let Some(part) = elements.get(start..end) else {
        return Err(Failure::at(1, "start index must not be greater than end index"));
    };
    let result = match list.kind() {
        Kind::List(t, _) => Value::list(t.as_ref().clone(), part),
        _ => Value::tuple(part),
    };
    Ok(result.with_marks(list.marks()))
}

fn sort(a: &Arguments<'_>) -> Result<Value, Failure> {
    let mut strings = Vec::with_capacity(a.elements(0).len());
    for (at, element) in a.elements(0).iter().enumerate() {
        if element.is_null() {
            let message = format!("given list element {at} is null; a null string cannot be sorted");
            return Err(Failure::call(message));
        }
        strings.push(element.clone());
    }
    strings.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    Ok(Value::list(Type::String, strings))
}
