//! Objects and `for`.

use std::collections::BTreeMap;
use std::sync::Arc;

use diag::Diagnostic;
use value::{Marks, Type, Value, convert};

use super::{Evaluator, describe_type, describe_value};
use crate::syntax::{Expr, ExprKind, For, Identifier, Item, Step};

/// What a `for` goes through: keys and values, or where they are not known the types of both.
type Elements = Result<Vec<(Value, Value)>, [Type; 2]>;

/// A key that could be read: its text, or that it is not known yet; and its marks.
type Key = (Option<Arc<str>>, Marks);

impl Evaluator<'_> {
    pub(super) fn object(&mut self, items: &[Item]) -> Value {
        let mut entries: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        let mut marks = Marks::NONE;
        let mut known = true;
        for item in items {
            let key = self.item_key(&item.key);
            let value = self.value(&item.value);
            match key {
                Some((Some(key), key_marks)) => {
                    marks = marks.union(key_marks);
                    entries.insert(key, value);
                }
                Some((None, key_marks)) => {
                    marks = marks.union(key_marks);
                    known = false;
                }
                None => known = false,
            }
        }
        let object = if known { Value::object(entries) } else { Value::unknown(Type::Dynamic) };
        object.with_marks(marks)
    }

    /// The key of an object's item, which has to say whether it is text or a reference.
    fn item_key(&mut self, expr: &Expr) -> Option<Key> {
        if is_ambiguous(expr) {
            self.fail(
                Diagnostic::error("ambiguous-key", "it is not clear whether this key is text or a reference")
                    .at(expr.span)
                    .hint("write it between quotes for the text, between parentheses for what it refers to"),
            );
            return None;
        }
        self.key(expr, ["Null value as key", "Incorrect key type"])
    }

    /// A key; `None` after a fault. `summaries`: what null is to Terraform here, and what is no text.
    fn key(&mut self, expr: &Expr, [null, no_text]: [&'static str; 2]) -> Option<Key> {
        let (value, marks) = self.value(expr).unmark();
        if value.is_null() {
            self.fail(Diagnostic::error("invalid-key", "a key cannot be null").summary(null).at(expr.span));
            return None;
        }
        match convert(&value, &Type::String) {
            Ok(key) => Some((key.as_str().map(Arc::from), marks)),
            Err(_) => {
                let label = format!("this is {}", describe_value(&value.with_marks(marks)));
                let fault = Diagnostic::error("invalid-key", "a key has to be a string").summary(no_text);
                self.fail(fault.at(expr.span).label(label));
                None
            }
        }
    }

    /// What a `for` goes through: elements, or their type where they are not known; and the collection's marks.
    pub(super) fn iterate(&mut self, collection: &Expr) -> Option<(Elements, Marks)> {
        let (value, marks) = self.value(collection).unmark();
        if value.is_null() {
            self.fail(
                Diagnostic::error("null-collection", "a `for` cannot go through null")
                    .at(collection.span)
                    .hint("for nothing, use an empty list: `coalesce(…, [])`"),
            );
            return None;
        }
        if let Some(elements) = value.elements() {
            return Some((Ok(elements), marks));
        }
        let types = match value.ty() {
            Type::List(t) => [Type::Number, t.as_ref().clone()],
            Type::Set(t) => [t.as_ref().clone(), t.as_ref().clone()],
            Type::Map(t) => [Type::String, t.as_ref().clone()],
            Type::Tuple(_) => [Type::Number, Type::Dynamic],
            Type::Object(_) => [Type::String, Type::Dynamic],
            Type::Dynamic => [Type::Dynamic, Type::Dynamic],
            ty => {
                let fault = Diagnostic::error(
                    "not-a-collection",
                    "a `for` goes through a list, a set, a map or an object",
                )
                .at(collection.span)
                .label(format!("this is {}", describe_type(&ty)));
                self.fail(fault);
                return None;
            }
        };
        Some((Err(types), marks))
    }

    /// Runs with the names of a `for` bound.
    pub(super) fn bound<T>(
        &mut self,
        key_name: Option<&Identifier>,
        key: Value,
        value: Value,
        run: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.slots.len();
        if key_name.is_some() {
            self.slots.push(key);
        }
        self.slots.push(value);
        let result = run(self);
        self.slots.truncate(before);
        result
    }

    pub(super) fn for_expression(&mut self, for_: &For) -> Value {
        let Some((elements, marks)) = self.iterate(&for_.collection) else {
            return Value::unknown(Type::Dynamic);
        };
        let elements = match elements {
            Ok(elements) => elements,
            Err([key, value]) => {
                // Gone through once with unknown elements, so that faults show before the elements are known.
                self.ahead(|this| {
                    let (key, value) = (Value::unknown(key), Value::unknown(value));
                    this.bound(for_.key_name.as_ref(), key, value, |this| this.for_element(for_));
                });
                return super::operator::unknown(Type::Dynamic).with_marks(marks);
            }
        };
        let mut result = Gathered { marks, ..Gathered::default() };
        for (key, value) in elements {
            let faults = self.diagnostics.0.len();
            let element = self.bound(for_.key_name.as_ref(), key, value, |this| this.for_element(for_));
            self.gather(for_, element, &mut result);
            // The same fault for each of a thousand elements would bury all others.
            if self.diagnostics.0.len() > faults {
                return Value::unknown(Type::Dynamic);
            }
        }
        let value = match (result.certain, for_.key.is_some(), for_.group) {
            (false, ..) => super::operator::unknown(Type::Dynamic),
            (true, false, _) => Value::tuple(result.elements),
            (true, true, false) => Value::object(result.entries),
            (true, true, true) => {
                Value::object(result.groups.into_iter().map(|(key, values)| (key, Value::tuple(values))))
            }
        };
        value.with_marks(result.marks)
    }

    /// Key and value of one element; `None` where the condition leaves it out, or after a fault.
    fn for_element(&mut self, for_: &For) -> Element {
        let mut marks = Marks::NONE;
        if let Some(condition) = &for_.condition {
            match self.condition(condition, "the condition of this `for`") {
                Some((Some(true), m)) => marks = m,
                Some((Some(false), m)) => return Element { marks: m, content: Content::Left },
                Some((None, m)) => {
                    // Looked at for its faults; whether it is taken is not known.
                    self.ahead(|this| this.for_content(for_));
                    return Element { marks: m, content: Content::Uncertain };
                }
                None => return Element { marks, content: Content::Uncertain },
            }
        }
        let mut element = self.for_content(for_);
        element.marks = element.marks.union(marks);
        element
    }

    fn for_content(&mut self, for_: &For) -> Element {
        let Some(key) = &for_.key else {
            return Element { marks: Marks::NONE, content: Content::Value(self.value(&for_.value)) };
        };
        let key = self.key(key, ["Invalid object key"; 2]);
        let value = match &key {
            Some((None, _)) => self.ahead(|this| this.value(&for_.value)),
            _ => self.value(&for_.value),
        };
        match key {
            Some((Some(key), marks)) => Element { marks, content: Content::Entry(key, value) },
            Some((None, marks)) => Element { marks, content: Content::Uncertain },
            None => Element { marks: Marks::NONE, content: Content::Uncertain },
        }
    }

    fn gather(&mut self, for_: &For, element: Element, result: &mut Gathered) {
        result.marks = result.marks.union(element.marks);
        match element.content {
            Content::Left => {}
            Content::Uncertain => result.certain = false,
            Content::Value(value) => result.elements.push(value),
            Content::Entry(key, value) if for_.group => result.groups.entry(key).or_default().push(value),
            Content::Entry(key, value) => {
                if result.entries.contains_key(&key) {
                    let span = for_.key.as_ref().map_or(for_.value.span, |k| k.span);
                    let message = if element.marks.is_empty() {
                        format!("two elements of this `for` have the key {key:?}")
                    } else {
                        "two elements of this `for` have the same key".into()
                    };
                    self.fail(Diagnostic::error("duplicate-key", message).at(span).hint(
                        "make the keys differ, or gather the values under one key with `...` after the value",
                    ));
                    return;
                }
                result.entries.insert(key, value);
            }
        }
    }
}

/// `{ a.b = 1 }` may mean the text or the value: one of them has to be said. The parser leaves it, because `providers` of a module
/// is written so.
fn is_ambiguous(key: &Expr) -> bool {
    match &key.kind {
        ExprKind::Reference(_) | ExprKind::Name(_) => true,
        ExprKind::Traversal(source, steps) => {
            is_ambiguous(source) && !steps.iter().any(|s| matches!(s, Step::Splat { .. }))
        }
        _ => false,
    }
}

struct Element {
    marks: Marks,
    content: Content,
}

enum Content {
    /// Left out by the condition.
    Left,
    /// Not known, or a fault.
    Uncertain,
    Value(Value),
    Entry(Arc<str>, Value),
}

struct Gathered {
    marks: Marks,
    certain: bool,
    elements: Vec<Value>,
    entries: BTreeMap<Arc<str>, Value>,
    groups: BTreeMap<Arc<str>, Vec<Value>>,
}

impl Default for Gathered {
    fn default() -> Self {
        Self {
            marks: Marks::NONE,
            certain: true,
            elements: Vec::new(),
            entries: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }
}
