//! Whether what now is said still agrees with what was planned: whatever was known then has to be the same now.

use value::{Kind, Path, Step, Value};

/// The first place where a value contradicts what was planned, in words without anything sensitive; `None`: nowhere.
pub(crate) fn inconsistency(planned: &Value, now: &Value) -> Option<String> {
    differs(planned, now, &Path::default(), false)
}

/// Whether a value may be what was planned: everything that was known is the same, marks aside.
pub(crate) fn agrees(planned: &Value, now: &Value) -> bool {
    inconsistency(planned, now).is_none()
}

fn differs(planned: &Value, now: &Value, path: &Path, hidden: bool) -> Option<String> {
    let hidden = hidden || planned.is_sensitive() || now.is_sensitive();
    let told = || {
        let path = path.to_string();
        let place = path.strip_prefix('.').unwrap_or(&path);
        let place = if place.is_empty() { "it".to_owned() } else { format!("`{place}`") };
        Some(if hidden {
            format!("{place} is another sensitive value")
        } else {
            format!("{place} was {planned} and is {now}")
        })
    };
    match (planned.kind(), now.kind()) {
        (Kind::Unknown(_), _) => None,
        (Kind::Null(_), Kind::Null(_)) => None,
        (Kind::List(_, then), Kind::List(_, now)) | (Kind::Tuple(then), Kind::Tuple(now)) => {
            if then.len() != now.len() {
                return told();
            }
            then.iter().zip(now.iter()).enumerate().find_map(|(i, (then, now))| {
                differs(then, now, &path.with(Step::Index(value::Number::from(i))), hidden)
            })
        }
        (Kind::Object(then), Kind::Object(now)) => entries(then, now, path, Step::Attribute, hidden, &told),
        (Kind::Map(_, then), Kind::Map(_, now)) => entries(then, now, path, Step::Key, hidden, &told),
        // Elements of a set have no place; one with unknown elements may be any.
        (Kind::Set(..), Kind::Set(..)) if !planned.is_wholly_known() => None,
        _ => {
            let (then, now) = (planned.clone().unmark_deep().0, now.clone().unmark_deep().0);
            if then == now { None } else { told() }
        }
    }
}

type Entries = std::collections::BTreeMap<std::sync::Arc<str>, Value>;

fn entries(
    then: &Entries,
    now: &Entries,
    path: &Path,
    step: fn(std::sync::Arc<str>) -> Step,
    hidden: bool,
    told: &dyn Fn() -> Option<String>,
) -> Option<String> {
    if !then.keys().eq(now.keys()) {
        return told();
    }
    then.iter().zip(now.values()).find_map(|((name, then), now)| {
        // A path is made only where it is needed: most values agree.
        if then == now { None } else { differs(then, now, &path.with(step(name.clone())), hidden) }
    })
}

#[cfg(test)]
mod tests {
    use value::{Marks, Type};

    use super::*;

    #[test]
    fn what_was_unknown_may_be_anything_and_what_was_known_has_to_stay() {
        let object = |a: Value, b: Value| Value::object([("a", a), ("b", Value::tuple(vec![b]))]);
        let planned = object(Value::unknown(Type::String), Value::string("x"));
        assert!(agrees(&planned, &object(Value::string("told"), Value::string("x"))));
        let changed = object(Value::null(Type::String), Value::string("y"));
        assert_eq!(inconsistency(&planned, &changed).as_deref(), Some("`b[0]` was \"x\" and is \"y\""));
        let secret = object(Value::string("told"), Value::string("secret").with_marks(Marks::SENSITIVE));
        assert!(!inconsistency(&planned, &secret).unwrap().contains("secret\""));
        assert!(agrees(
            &object(Value::bool(true), Value::string("x").with_marks(Marks::SENSITIVE)),
            &object(Value::bool(true), Value::string("x"))
        ));
    }
}
