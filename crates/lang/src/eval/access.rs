//! Steps into values: attributes, indexes, splats.

use diag::{Diagnostic, Span};
use value::{Kind, Number, Type, Value, convert};

use super::{Evaluator, describe_type, describe_value};
use crate::syntax::{Identifier, Step};

impl Evaluator<'_> {
    pub(super) fn steps(&mut self, mut value: Value, mut span: Span, steps: &[Step]) -> Value {
        for step in steps {
            value = match step {
                Step::Attribute(name) => self.attribute(&value, span, name),
                Step::LegacyIndex(number, at) => {
                    self.index(&value, span, &Value::number(number.clone()), *at)
                }
                Step::Index(key, at) => {
                    let key = self.value(key);
                    self.index(&value, span, &key, *at)
                }
                Step::Splat { full, steps, span: at } => self.splat(&value, *at, *full, steps),
            };
            span = span.to(step.span());
        }
        value
    }

    fn attribute(&mut self, value: &Value, span: Span, name: &Identifier) -> Value {
        let key = &name.name;
        if value.is_null() {
            return self.fail(
                Diagnostic::error("null-access", format!("this is null, and so has no `{key}`"))
                    .at(span)
                    .hint(format!("for a value where it is null, use `try(….{key}, default)`")),
            );
        }
        if let Some(found) = value.get(key) {
            return found;
        }
        let fault = Diagnostic::error("no-such-attribute", "").at(name.span);
        let fault = match value.ty() {
            Type::Dynamic => return Value::unknown(Type::Dynamic).with_marks(value.marks()),
            Type::Object(object) => {
                let names = || object.attributes.keys().map(AsRef::as_ref);
                let fault = Diagnostic { message: format!("this object has no attribute `{key}`"), ..fault };
                match diag::closest(key, names()) {
                    Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                    None => fault.hint(one_of(names())),
                }
            }
            Type::Map(_) => {
                let fault = Diagnostic { message: format!("this map has no element `{key}`"), ..fault };
                let names = value.as_entries().into_iter().flat_map(|m| m.keys().map(AsRef::as_ref));
                match diag::closest(key, names).filter(|_| value.marks_deep().is_empty()) {
                    Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                    None => fault.hint(format!(
                        "for a value where there is none, use `lookup(map, \"{key}\", default)`"
                    )),
                }
            }
            ty @ (Type::List(_) | Type::Tuple(_) | Type::Set(_)) => {
                let message = format!("{} has no attributes", describe_type(&ty));
                Diagnostic { message, ..fault }
                    .hint(format!("for one element write `[0].{key}`, for all of them `[*].{key}`"))
            }
            ty => Diagnostic { message: format!("{} has no attributes", describe_type(&ty)), ..fault },
        };
        self.fail(fault)
    }

    fn index(&mut self, value: &Value, span: Span, key: &Value, at: Span) -> Value {
        let marks = value.marks().union(key.marks());
        // What is there is answered without asking for the type, which for a tuple is made of all of its elements.
        let there = match (value.kind(), key.kind()) {
            (Kind::List(..) | Kind::Tuple(_), Kind::Number(number)) => value.index(number),
            (Kind::Map(..) | Kind::Object(_), Kind::String(name)) => value.get(name),
            _ => None,
        };
        if let Some(found) = there {
            return found.with_marks(marks);
        }
        if value.is_null() {
            return self.fail(
                Diagnostic::error("null-access", "this is null, and so has no elements")
                    .summary("Attempt to index null value")
                    .at(span),
            );
        }
        if key.is_null() {
            return self.fail(Diagnostic::error("null-index", "an index cannot be null").at(at));
        }
        let ty = value.ty();
        let key_type = match &ty {
            Type::Dynamic => return Value::unknown(Type::Dynamic).with_marks(marks),
            Type::List(_) | Type::Tuple(_) => Type::Number,
            Type::Map(_) | Type::Object(_) => Type::String,
            Type::Set(_) => {
                return self.fail(
                    Diagnostic::error("invalid-index", "the elements of a set have no order and no index")
                        .at(at)
                        .hint("make a list of it first: `tolist(…)[0]`"),
                );
            }
            _ => {
                let message = format!("{} has no elements", describe_type(&ty));
                return self.fail(Diagnostic::error("invalid-index", message).at(at));
            }
        };
        let Ok(plain) = convert(&key.clone().unmark_deep().0, &key_type) else {
            let message = format!("an index into {} is {}", describe_type(&ty), describe_type(&key_type));
            let label = format!("this is {}", describe_value(key));
            return self.fail(Diagnostic::error("invalid-index", message).at(at).label(label));
        };
        let found = match (plain.as_number(), plain.as_str(), &ty) {
            (Some(number), _, _) => value.index(number),
            (_, Some(name), _) => value.get(name),
            // The key is not known yet: any element.
            (_, _, Type::List(t) | Type::Map(t)) => Some(Value::unknown(t.as_ref().clone())),
            _ => Some(Value::unknown(Type::Dynamic)),
        };
        match found {
            Some(found) => found.with_marks(marks),
            None if matches!(ty, Type::Object(_)) && key.ty() == Type::Number => self.fail(
                Diagnostic::error("invalid-index", "this is one object, and has no elements with numbers")
                    .at(at)
                    .hint("name one of its attributes, as in `.name`"),
            ),
            None => {
                let fault = no_element(value, &plain, &ty).at(at);
                self.fail(fault)
            }
        }
    }

    fn splat(&mut self, value: &Value, at: Span, full: bool, steps: &[Step]) -> Value {
        let (plain, marks) = value.clone().unmark();
        let ty = plain.ty();
        let is_sequence = matches!(ty, Type::List(_) | Type::Set(_) | Type::Tuple(_));
        if plain.is_null() {
            if !is_sequence {
                return Value::tuple(Vec::new()).with_marks(marks);
            }
            let sign = if full { "[*]" } else { ".*" };
            return self.fail(
                Diagnostic::error("null-access", format!("`{sign}` cannot go through a list that is null"))
                    .at(at),
            );
        }
        if let Kind::Unknown(_) = plain.kind() {
            return self.splat_unknown(&ty, at, steps).with_marks(marks);
        }
        let elements: Vec<Value> = match plain.as_slice() {
            Some(elements) => elements.to_vec(),
            // A single value stands for a list of one.
            None => vec![plain.clone()],
        };
        let results: Vec<Value> = elements.into_iter().map(|e| self.steps(e, at, steps)).collect();
        let result = match (&ty, results.first().map(Value::ty)) {
            (Type::List(_) | Type::Set(_), Some(first)) if results.iter().all(|r| r.ty() == first) => {
                Value::list(first, results)
            }
            (Type::List(t) | Type::Set(t), None) => {
                let element = self.steps(Value::unknown(t.as_ref().clone()), at, steps).ty();
                Value::list(element, Vec::new())
            }
            _ => Value::tuple(results),
        };
        result.with_marks(marks)
    }

    fn splat_unknown(&mut self, ty: &Type, at: Span, steps: &[Step]) -> Value {
        match ty {
            Type::List(t) | Type::Set(t) => {
                let element = self.steps(Value::unknown(t.as_ref().clone()), at, steps);
                match element.ty() {
                    Type::Dynamic => Value::unknown(Type::Dynamic),
                    ty => super::operator::unknown(Type::list(ty)),
                }
            }
            Type::Tuple(ts) => {
                let elements: Vec<Value> =
                    ts.iter().map(|t| self.steps(Value::unknown(t.clone()), at, steps)).collect();
                Value::tuple(elements)
            }
            Type::Dynamic => Value::unknown(Type::Dynamic),
            // It may be null, which makes an empty list, or not, which makes a list of one.
            other => {
                self.steps(Value::unknown(other.clone()), at, steps);
                Value::unknown(Type::Dynamic)
            }
        }
    }
}

fn no_element(value: &Value, key: &Value, ty: &Type) -> Diagnostic {
    if let Some(name) = key.as_str() {
        let noun = if matches!(ty, Type::Map(_)) { "map has no element" } else { "object has no attribute" };
        let fault = Diagnostic::error("invalid-index", format!("this {noun} `{name}`"));
        let names: Vec<&str> = match (ty, value.as_entries()) {
            (_, Some(entries)) => entries.keys().map(AsRef::as_ref).collect(),
            (Type::Object(object), None) => object.attributes.keys().map(AsRef::as_ref).collect(),
            _ => Vec::new(),
        };
        if !value.marks_deep().is_empty() {
            return fault;
        }
        return match diag::closest(name, names.iter().copied()) {
            Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
            None => fault.hint(one_of(names.into_iter())),
        };
    }
    let length = value.length().or(match ty {
        Type::Tuple(ts) => Some(ts.len()),
        _ => None,
    });
    let number = key.as_number().cloned().unwrap_or_else(|| Number::from(0i64));
    let fault = Diagnostic::error("invalid-index", format!("there is no element {number} in this list"));
    match length {
        Some(0) => fault.because("the list is empty"),
        Some(1) => fault.because("the list has one element, which is number 0"),
        Some(n) => fault.because(format!("the list has {n} elements, numbered from 0 to {}", n - 1)),
        None => fault,
    }
}

fn one_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = names.collect();
    match all.len() {
        0 => "it is empty".into(),
        n if n <= 12 => {
            format!("there is {}", all.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "))
        }
        n => format!("it has {n} others, none of them close to that name"),
    }
}
