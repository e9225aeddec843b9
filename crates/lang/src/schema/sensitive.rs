//! What a schema says about values whatever they are: what is sensitive in them, and what is never kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use value::{Kind, Marks, Value};

use super::{Attribute, Block, Nesting};

impl Block {
    /// The value with everything marked that the schema calls sensitive.
    #[must_use]
    pub fn with_sensitive(&self, value: &Value) -> Value {
        if !self.has_sensitive {
            return value.clone();
        }
        self.change(value, &|attribute, value| {
            if attribute.is_sensitive && !value.is_null() {
                value.with_marks(Marks::SENSITIVE)
            } else {
                value
            }
        })
    }

    /// The value with null in place of everything that is only given to the provider.
    #[must_use]
    pub fn without_write_only(&self, value: &Value) -> Value {
        if !self.has_write_only() {
            return value.clone();
        }
        self.change(value, &|attribute, value| {
            if attribute.is_write_only { Value::null(value.ty()) } else { value }
        })
    }

    /// Whether anything in it is given to the provider and never kept.
    #[must_use]
    pub fn has_write_only(&self) -> bool {
        let nested = |a: &Attribute| a.nested.as_ref().is_some_and(|block| block.has_write_only());
        self.attributes.iter().any(|a| a.is_write_only || nested(a))
            || self.blocks.iter().any(|b| b.block.has_write_only())
    }

    /// Changes attribute by attribute, from the inside out.
    fn change(&self, value: &Value, change: &dyn Fn(&Attribute, Value) -> Value) -> Value {
        let Kind::Object(entries) = value.kind() else { return value.clone() };
        let mut entries: BTreeMap<Arc<str>, Value> = entries.as_ref().clone();
        for attribute in &self.attributes {
            let Some(entry) = entries.get_mut(&attribute.name) else { continue };
            if let Some(block) = &attribute.nested {
                *entry = each(entry, &|inner| block.change(inner, change));
            }
            *entry = change(attribute, entry.clone());
        }
        for nested in &self.blocks {
            let Some(entry) = entries.get_mut(&nested.name) else { continue };
            *entry = match nested.nesting {
                Nesting::Single { .. } => nested.block.change(entry, change),
                Nesting::List | Nesting::Set | Nesting::Map { .. } => {
                    each(entry, &|inner| nested.block.change(inner, change))
                }
            };
        }
        Value::object(entries).with_marks(value.marks())
    }
}

/// Every object of a collection changed, or the object itself.
fn each(value: &Value, change: &dyn Fn(&Value) -> Value) -> Value {
    let changed = match value.kind() {
        Kind::List(ty, elements) => {
            Value::list(ty.as_ref().clone(), elements.iter().map(change).collect::<Vec<_>>())
        }
        Kind::Set(ty, elements) => {
            Value::set(ty.as_ref().clone(), elements.iter().map(change).collect::<Vec<_>>())
        }
        Kind::Map(ty, entries) => {
            Value::map(ty.as_ref().clone(), entries.iter().map(|(key, value)| (key.clone(), change(value))))
        }
        Kind::Tuple(elements) => Value::tuple(elements.iter().map(change).collect::<Vec<_>>()),
        _ => return change(value),
    };
    changed.with_marks(value.marks())
}
