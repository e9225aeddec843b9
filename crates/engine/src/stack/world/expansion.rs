//! `count` and `for_each`: how many instances there are of a resource or of a module call, and under which keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use lang::eval::{Scope, describe_value, evaluate};
use lang::syntax::Expr;
use value::{Kind, Marks, Refinements, Type, Value, convert};

use super::Phase;
use crate::Key;

/// How often something is there.
#[derive(Debug, Clone, PartialEq)]
pub enum Expansion {
    /// Once, without a key.
    Once,
    /// So often, under the numbers from 0 on.
    Count(u64),
    /// Once for each key, with what `each.value` is.
    ForEach(Arc<BTreeMap<Arc<str>, Value>>),
    /// Validation only: any number, all alike; the key of one of them.
    Some(Each),
}

/// What `each` and `count` are in one instance.
#[derive(Debug, Clone, PartialEq)]
pub enum Each {
    /// `count.index`.
    Index(u64),
    /// `each.key` and `each.value`.
    Entry(Arc<str>, Value),
    /// Some `count.index`.
    AnyIndex,
    /// Some `each.key`, with what all values have in common.
    AnyEntry(Value),
}

impl Expansion {
    /// Of the two arguments, of which at most one is there.
    ///
    /// # Errors
    /// If it is not known, is no whole number, no map and no set of strings, or would show something secret.
    pub fn evaluate(
        count: Option<&Expr>,
        for_each: Option<&Expr>,
        scope: &dyn Scope,
        phase: Phase,
    ) -> Result<Self, Diagnostics> {
        let expansion = match (count, for_each) {
            (Some(expr), _) => evaluate_count(expr, scope, phase)?,
            (None, Some(expr)) => evaluate_for_each(expr, scope, phase)?,
            (None, None) => Self::Once,
        };
        // What is wrong whatever the values are is wrong in any instance, and where there happens to be none, too.
        Ok(match (phase, expansion) {
            (Phase::Validate, Self::Count(_)) => Self::Some(Each::AnyIndex),
            (Phase::Validate, Self::ForEach(_) | Self::Some(Each::AnyEntry(_))) => {
                Self::Some(Each::AnyEntry(Value::unknown(Type::Dynamic)))
            }
            (_, expansion) => expansion,
        })
    }

    /// The instances, in the order of their keys: numbers as numbers, names as text.
    pub fn instances(&self) -> Box<dyn Iterator<Item = Option<Each>> + Send + '_> {
        match self {
            Self::Once => Box::new(std::iter::once(None)),
            Self::Count(count) => Box::new((0..*count).map(|index| Some(Each::Index(index)))),
            Self::ForEach(entries) => {
                Box::new(entries.iter().map(|(key, value)| Some(Each::Entry(key.clone(), value.clone()))))
            }
            Self::Some(each) => Box::new(std::iter::once(Some(each.clone()))),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Once | Self::Some(_) => 1,
            Self::Count(count) => usize::try_from(*count).unwrap_or(usize::MAX),
            Self::ForEach(entries) => entries.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is an instance with this key.
    #[must_use]
    pub fn has(&self, key: Option<&Key>) -> bool {
        match (self, key) {
            (Self::Once, None) | (Self::Some(_), Some(_)) => true,
            (Self::Count(count), Some(Key::Index(index))) => index < count,
            (Self::ForEach(entries), Some(Key::Name(name))) => entries.contains_key(name),
            _ => false,
        }
    }

    /// What expressions see of a called module before any instance of it is known.
    #[must_use]
    pub fn compose_any(&self, values: Vec<Value>) -> Value {
        let ty = || values.first().map_or(Type::Dynamic, Value::ty);
        match self {
            Self::Once => self.compose(values),
            Self::Count(_) | Self::Some(Each::AnyIndex | Each::Index(_)) => Value::unknown(Type::list(ty())),
            Self::ForEach(_) | Self::Some(_) => Value::unknown(Type::map(ty())),
        }
    }

    /// What expressions see of instances with these values, in the order of [`Self::instances`].
    #[must_use]
    pub fn compose(&self, values: Vec<Value>) -> Value {
        match self {
            Self::Once => values.into_iter().next().unwrap_or_else(|| Value::unknown(Type::Dynamic)),
            Self::Count(_) => Value::tuple(values),
            Self::ForEach(entries) => Value::object(entries.keys().cloned().zip(values)),
            Self::Some(_) => Value::unknown(Type::Dynamic),
        }
    }
}

impl Each {
    /// The key of the instance; none where it is any.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        match self {
            Self::Index(index) => Some(Key::Index(*index)),
            Self::Entry(key, _) => Some(Key::Name(key.clone())),
            Self::AnyIndex | Self::AnyEntry(_) => None,
        }
    }

    pub(super) fn each_key(&self) -> Value {
        match self {
            Self::Entry(key, _) => Value::string(key.clone()),
            _ => not_null(Type::String),
        }
    }

    pub(super) fn each_value(&self) -> Value {
        match self {
            Self::Entry(_, value) | Self::AnyEntry(value) => value.clone(),
            _ => Value::unknown(Type::Dynamic),
        }
    }

    pub(super) fn count_index(&self) -> Value {
        match self {
            Self::Index(index) => Value::number(*index),
            _ => not_null(Type::Number),
        }
    }
}

fn not_null(ty: Type) -> Value {
    Value::refined(ty, Refinements { not_null: true, ..Refinements::default() })
}

/// Terraform's words for both arguments.
fn fault(argument: &str, expr: &Expr, why: &str, value: Option<&Value>) -> Diagnostics {
    let fault = Diagnostic::error(
        if argument == "count" { "invalid-count" } else { "invalid-for-each" },
        format!("Invalid {argument} argument: {why}"),
    )
    .at(expr.span);
    value
        .map_or_else(
            || fault.clone(),
            |value| fault.clone().label(format!("this is {}", describe_value(value))),
        )
        .into()
}

/// Terraform's name for a set that is none of keys.
fn of_set(faults: Diagnostics) -> Diagnostics {
    Diagnostics(faults.into_iter().map(|fault| fault.summary("Invalid for_each set argument")).collect())
}

/// The way out that Terraform names for both.
const NOT_YET_KNOWN: &str = "it depends on something that cannot be determined until apply, so that it cannot be planned how many \
                             instances will be created; apply what it depends on first with `-target`, or let keys be written in \
                             the configuration and only values come from elsewhere";

fn evaluate_count(expr: &Expr, scope: &dyn Scope, phase: Phase) -> Result<Expansion, Diagnostics> {
    let value = evaluate(expr, scope)?;
    let wrong = |why: &str| fault("count", expr, why, Some(&value));
    let (plain, marks) = value.clone().unmark_deep();
    if marks.contains(Marks::EPHEMERAL) {
        return Err(wrong(
            "an ephemeral value cannot say how many instances there are, since it is not kept",
        ));
    }
    if plain.is_null() {
        return Err(wrong("it is null; an integer is required"));
    }
    let number = convert(&plain, &Type::Number).map_err(|_| {
        let faults = wrong("a whole number is required");
        Diagnostics(faults.into_iter().map(|fault| fault.summary("Incorrect value type")).collect())
    })?;
    match number.kind() {
        Kind::Unknown(_) if phase == Phase::Validate => Ok(Expansion::Some(Each::AnyIndex)),
        Kind::Unknown(_) => Err(fault("count", expr, NOT_YET_KNOWN, None)),
        Kind::Number(number) if number.is_negative() => {
            Err(wrong("it must be greater than or equal to zero"))
        }
        Kind::Number(number) => match number.to_i64().and_then(|count| u64::try_from(count).ok()) {
            Some(count) if number.is_integer() => Ok(Expansion::Count(count)),
            _ => Err(wrong("a whole number is required")),
        },
        _ => Err(wrong("a whole number is required")),
    }
}

fn evaluate_for_each(expr: &Expr, scope: &dyn Scope, phase: Phase) -> Result<Expansion, Diagnostics> {
    let value = evaluate(expr, scope)?;
    let wrong = |why: &str| fault("for_each", expr, why, Some(&value));
    let (plain, marks) = value.clone().unmark();
    // Of a set the elements are keys; of a map only the keys show.
    let shown = if matches!(plain.kind(), Kind::Set(..)) { value.marks_deep() } else { marks };
    if shown.contains(Marks::SENSITIVE) {
        return Err(wrong(
            "sensitive values, or values derived from them, cannot be used: the keys show in every plan",
        ));
    }
    if shown.contains(Marks::EPHEMERAL) {
        return Err(wrong(
            "ephemeral values, or values derived from them, cannot be used: the keys are kept",
        ));
    }
    let some = |element: Value| match phase {
        Phase::Validate => Ok(Expansion::Some(Each::AnyEntry(element))),
        _ => Err(fault("for_each", expr, NOT_YET_KNOWN, None)),
    };
    let unsuitable = "it must be a map, or set of strings";
    match plain.kind() {
        Kind::Null(_) => Err(wrong("it is null; a map, or set of strings is allowed")),
        Kind::Map(_, entries) | Kind::Object(entries) => Ok(Expansion::ForEach(entries.clone())),
        Kind::Set(element, _)
            if !matches!(**element, Type::String | Type::Dynamic) && value.length() != Some(0) =>
        {
            Err(of_set(wrong(&format!("a set of strings is needed, and this is a set of {element}"))))
        }
        Kind::Set(_, elements) => {
            let mut keys = BTreeMap::new();
            for element in elements.iter() {
                match element.kind() {
                    Kind::String(key) => keys.insert(key.clone(), element.clone()),
                    Kind::Unknown(_) => return some(not_null(Type::String)),
                    _ => return Err(of_set(wrong("sets must not contain null values"))),
                };
            }
            Ok(Expansion::ForEach(Arc::new(keys)))
        }
        Kind::Unknown(unknown) => match &unknown.ty {
            Type::Set(_) => some(not_null(Type::String)),
            Type::Map(element) => some(Value::unknown(element.as_ref().clone())),
            Type::Dynamic | Type::Object(_) => some(Value::unknown(Type::Dynamic)),
            _ => Err(wrong(unsuitable)),
        },
        _ => Err(wrong(unsuitable)),
    }
}
