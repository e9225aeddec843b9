//! `dynamic` blocks: one block for each element of a collection.

use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use value::{Type, Value, convert};

use super::Nesting;
use crate::eval::{Scope, describe_value, evaluate_with};
use crate::syntax::{Block, Body};

/// A collection that would make more blocks than this is a mistake; each becomes part of one object in memory.
const INSTANCES_MAX: usize = 10_000;

/// The blocks that a `dynamic` block makes.
pub(super) struct Made<'a> {
    pub instances: Vec<Instance<'a>>,
    /// Whether how many there will be is not known yet.
    pub unknown: bool,
    pub diagnostics: Diagnostics,
}

/// One of them: its content is decoded with the iterator bound.
pub(super) struct Instance<'a> {
    pub label: Option<Arc<str>>,
    pub content: &'a Body,
    pub slots: Vec<Value>,
}

/// Whether a block is a `dynamic` one that makes blocks of this type.
pub(super) fn makes(block: &Block, name: &str) -> bool {
    block.kind.name.as_ref() == "dynamic" && block.labels.first().is_some_and(|l| l.name.as_ref() == name)
}

/// The blocks that it makes.
pub(super) fn expand<'a>(block: &'a Block, nesting: Nesting, scope: &dyn Scope, slots: &[Value]) -> Made<'a> {
    let mut made = Made { instances: Vec::new(), unknown: false, diagnostics: Diagnostics::default() };
    let header = block.header();
    // Where `content` is missing, what should be in it stands beside it: one fault.
    let stray = block.body.attributes.iter().filter(|_| block.body.blocks_of("content").next().is_some());
    for attribute in stray {
        if !matches!(attribute.name.name.as_ref(), "for_each" | "iterator" | "labels") {
            made.diagnostics.push(
                Diagnostic::error("unknown-attribute", format!("`dynamic` has no attribute `{}`", attribute.name.name))
                    .at(attribute.name.span)
                    .hint("what the blocks hold stands in `content { … }`; beside it are `for_each`, `iterator`, `labels`"),
            );
        }
    }
    let content = block.body.blocks_of("content").next();
    let (Some(content), Some(for_each)) = (content, block.body.attribute("for_each")) else {
        let missing = if content.is_none() { "a `content` block" } else { "`for_each`" };
        made.diagnostics.push(
            Diagnostic::error("incomplete-dynamic", format!("`dynamic` needs {missing}"))
                .at(header)
                .hint("write it as `dynamic \"port\" { for_each = …  content { … } }`"),
        );
        return made;
    };
    let collection = match evaluate_with(&for_each.expr, scope, slots) {
        Ok(collection) => collection,
        Err(faults) => {
            made.diagnostics.extend(faults);
            made.unknown = true;
            return made;
        }
    };
    if !collection.is_known() {
        made.unknown = true;
        return made;
    }
    let Some(elements) = collection.elements() else {
        let fault = Diagnostic::error(
            "wrong-type",
            "`for_each` of a `dynamic` block is a list, a set, a map or an object",
        )
        .at(for_each.expr.span)
        .label(format!("this is {}", describe_value(&collection)));
        made.diagnostics.push(fault);
        return made;
    };
    if elements.len() > INSTANCES_MAX {
        let fault = Diagnostic::error(
            "too-many-blocks",
            format!("this makes {} blocks; {INSTANCES_MAX} are allowed", elements.len()),
        );
        made.diagnostics.push(fault.at(for_each.expr.span));
        return made;
    }
    for (key, value) in elements {
        let mut bound = slots.to_vec();
        let iterator = Value::object([("key", key.clone()), ("value", value)]);
        bound.push(iterator.with_marks(collection.marks()));
        let label = match nesting {
            Nesting::Map { .. } => match label(block, &key, scope, &bound) {
                Ok(Some(label)) => Some(label),
                Ok(None) => {
                    made.unknown = true;
                    return made;
                }
                Err(faults) => {
                    made.diagnostics.extend(faults);
                    continue;
                }
            },
            _ => None,
        };
        made.instances.push(Instance { label, content: &content.body, slots: bound });
    }
    made
}

/// The label of a made block: the first of `labels`, or the key. `None`: not known yet.
fn label(
    block: &Block,
    key: &Value,
    scope: &dyn Scope,
    slots: &[Value],
) -> Result<Option<Arc<str>>, Diagnostics> {
    let (value, span) = match block.body.attribute("labels") {
        Some(labels) => {
            let list = evaluate_with(&labels.expr, scope, slots)?;
            match list.as_slice() {
                Some([one]) => (one.clone(), labels.expr.span),
                _ if !list.is_known() => return Ok(None),
                _ => {
                    let fault = Diagnostic::error("dynamic-label", "`labels` is a list of one text")
                        .at(labels.expr.span);
                    return Err(fault.into());
                }
            }
        }
        None => (key.clone(), block.header()),
    };
    let text = convert(&value, &Type::String)
        .map_err(|e| Diagnostic::error("dynamic-label", format!("the label: {}", e.message)).at(span))?;
    Ok(text.as_str().map(Arc::from))
}
