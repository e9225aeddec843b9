//! `count` and `for_each`: how many there are of a block, and under which keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use value::{Kind, Marks, Type, Value, convert};

use super::Service;
use crate::eval::{Scope, describe_value, evaluate};
use crate::syntax::Expr;

/// More of one block than this is a mistake in a number; each is a resource with a plan and a state of its own.
const INSTANCES_MAX: i64 = 100_000;

/// How often a block is there.
#[derive(Debug, Clone, PartialEq)]
pub enum Repetition {
    /// Once, under its own name.
    Once,
    /// So often, under the numbers from 0 on.
    Count(usize),
    /// Once for each key, with what `each.value` is.
    Each(BTreeMap<Arc<str>, Value>),
    /// What it depends on is known only after an apply.
    Unknown,
}

impl Service {
    /// How often the service is there.
    ///
    /// # Errors
    /// If `count` is no whole number, `for_each` no map or set of strings, or one of them is sensitive.
    pub fn repetition(&self, scope: &dyn Scope) -> Result<Repetition, Diagnostics> {
        match (&self.count, &self.for_each) {
            (Some(expr), _) => count(expr, scope),
            (None, Some(expr)) => for_each(expr, scope),
            (None, None) => Ok(Repetition::Once),
        }
    }
}

fn refuse_marked(value: &Value, expr: &Expr, name: &str) -> Result<(), Diagnostics> {
    let marks = value.marks_deep();
    let word = match (marks.contains(Marks::SENSITIVE), marks.contains(Marks::EPHEMERAL)) {
        (true, _) => "sensitive",
        (_, true) => "ephemeral",
        _ => return Ok(()),
    };
    Err(Diagnostic::error(
        "sensitive-repetition",
        format!("`{name}` cannot be {word}: its value shows in every plan"),
    )
    .at(expr.span)
    .hint("if it is not secret, say so: `nonsensitive(…)`")
    .into())
}

fn count(expr: &Expr, scope: &dyn Scope) -> Result<Repetition, Diagnostics> {
    let value = evaluate(expr, scope)?;
    refuse_marked(&value, expr, "count")?;
    let wrong = || {
        Diagnostic::error(
            "invalid-count",
            format!("`count` has to be a whole number from 0 to {INSTANCES_MAX}"),
        )
        .at(expr.span)
        .label(format!("this is {}", describe_value(&value)))
    };
    let number = convert(&value, &Type::Number).map_err(|_| wrong())?;
    match number.kind() {
        Kind::Unknown(_) => Ok(Repetition::Unknown),
        Kind::Number(n) => {
            let count = n.to_i64().filter(|n| (0..=INSTANCES_MAX).contains(n)).ok_or_else(wrong)?;
            Ok(Repetition::Count(usize::try_from(count).map_err(|_| wrong())?))
        }
        _ => Err(wrong().into()),
    }
}

fn for_each(expr: &Expr, scope: &dyn Scope) -> Result<Repetition, Diagnostics> {
    let value = evaluate(expr, scope)?;
    // Values of a map may be secret: only the keys show.
    let (keys_only, _) = value.clone().unmark();
    refuse_marked(
        &if keys_only.as_entries().is_some() { shell(&value) } else { value.clone() },
        expr,
        "for_each",
    )?;
    let wrong = |hint: &str| {
        Diagnostic::error("invalid-for-each", "`for_each` has to be a map, an object or a set of strings")
            .at(expr.span)
            .label(format!("this is {}", describe_value(&value)))
            .hint(hint)
    };
    match value.kind() {
        Kind::Map(_, entries) | Kind::Object(entries) => {
            Ok(Repetition::Each(entries.iter().map(|(k, v)| (k.clone(), v.clone())).collect()))
        }
        Kind::Set(element, elements) => {
            if **element != Type::String && !elements.is_empty() {
                return Err(wrong("convert the elements: `toset([for x in … : tostring(x)])`").into());
            }
            let mut keys = BTreeMap::new();
            for element in elements.iter() {
                match element.kind() {
                    Kind::String(key) => {
                        keys.insert(key.clone(), element.clone());
                    }
                    Kind::Unknown(_) => return Ok(Repetition::Unknown),
                    _ => return Err(wrong("leave null out of the set").into()),
                }
            }
            Ok(Repetition::Each(keys))
        }
        Kind::Unknown(unknown) => match &unknown.ty {
            Type::Dynamic | Type::Map(_) | Type::Object(_) | Type::Set(_) => Ok(Repetition::Unknown),
            _ => Err(wrong("make a set of it: `toset(…)`").into()),
        },
        Kind::List(..) | Kind::Tuple(_) => Err(wrong("make a set of it: `toset(…)`").into()),
        _ => Err(wrong("for one or none, use `count`").into()),
    }
}

/// The value's own marks without those of its elements.
fn shell(value: &Value) -> Value {
    Value::bool(true).with_marks(value.marks())
}
