//! What may stand in the blocks that the language itself reads: what is left over in one is a fault.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Span};

use super::collect::Collector;
use crate::syntax::{Block, Body};

impl Collector<'_> {
    /// A body whose parts have been taken out: nothing may be left in it. `attributes` and `blocks` are what there is, for
    /// "did you mean".
    pub(super) fn only(&mut self, body: &Body, what: &str, attributes: &[&str], blocks: &[&str]) {
        self.duplicates(body);
        let known = || attributes.iter().chain(blocks).copied();
        let hint = |fault: Diagnostic, name: &str| match diag::closest(name, known()) {
            Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
            None if attributes.is_empty() && blocks.is_empty() => fault.hint("leave it out"),
            None => {
                let all: Vec<String> = known().map(|name| format!("`{name}`")).collect();
                fault.hint(format!("it has {}", all.join(", ")))
            }
        };
        for attribute in &body.attributes {
            let name = attribute.name.name.as_ref();
            // One that is left although it is known came twice, which has been said.
            if attributes.contains(&name) {
                continue;
            }
            let fault = if blocks.contains(&name) {
                Diagnostic::error("block-as-attribute", format!("`{name}` is a block, not an attribute"))
                    .hint(format!("write it without `=`: `{name} {{ … }}`"))
            } else {
                let fault =
                    Diagnostic::error("unknown-attribute", format!("`{what}` has no attribute `{name}`"));
                hint(fault, name)
            };
            self.faults.push(fault.at(attribute.name.span));
        }
        for block in &body.blocks {
            let name = block.kind.name.as_ref();
            if blocks.contains(&name) {
                continue;
            }
            let fault = if attributes.contains(&name) {
                Diagnostic::error("attribute-as-block", format!("`{name}` is an attribute, not a block"))
                    .hint(format!("write it with `=`: `{name} = …`"))
            } else {
                hint(Diagnostic::error("unknown-block", format!("`{what}` has no block `{name}`")), name)
            };
            self.faults.push(fault.at(block.kind.span));
        }
    }

    /// Attributes that are given twice, in a body and in all of its blocks.
    pub(super) fn duplicates(&mut self, body: &Body) {
        // Most bodies are short, and comparing a few names costs less than a map of them.
        const SHORT: usize = 8;
        let attributes = &body.attributes;
        if attributes.len() <= SHORT {
            for (i, attribute) in attributes.iter().enumerate() {
                if let Some(first) = attributes.iter().take(i).find(|a| a.name.name == attribute.name.name) {
                    self.twice(&attribute.name.name, attribute.name.span, first.name.span);
                }
            }
        } else {
            let mut seen: HashMap<&str, Span> = HashMap::with_capacity(attributes.len());
            for attribute in attributes {
                match seen.get(attribute.name.name.as_ref()) {
                    Some(first) => self.twice(&attribute.name.name, attribute.name.span, *first),
                    None => {
                        seen.insert(&attribute.name.name, attribute.name.span);
                    }
                }
            }
        }
        for block in &body.blocks {
            self.duplicates(&block.body);
        }
    }

    fn twice(&mut self, name: &str, span: Span, first: Span) {
        self.faults.push(twice(name, span, first));
    }

    /// An argument that has to be there.
    pub(super) fn missing(&mut self, key: &str, what: &str, header: Span) {
        self.faults.push(
            Diagnostic::error("missing-attribute", format!("`{what}` needs `{key}`"))
                .at(header)
                .hint(format!("add `{key} = …`")),
        );
    }

    /// Takes the blocks of a kind out of a body, of which there may be one; it has no labels.
    pub(super) fn single(&mut self, body: &mut Body, kind: &'static str) -> Option<Block> {
        let mut blocks = take_blocks(body, kind).into_iter();
        let first = blocks.next()?;
        let is_plain = self.labels(&first, kind, []).is_some();
        for second in blocks {
            self.faults.push(
                Diagnostic::error("duplicate-block", format!("`{kind}` is given twice"))
                    .summary(format!("Duplicate {kind} block"))
                    .at(second.header())
                    .see(first.header(), "first here")
                    .hint("put both into one"),
            );
        }
        is_plain.then_some(first)
    }
}

/// Takes the blocks of a kind out of a body.
pub(super) fn take_blocks(body: &mut Body, kind: &str) -> Vec<Block> {
    if !body.blocks.iter().any(|block| block.kind.name.as_ref() == kind) {
        return Vec::new();
    }
    let (taken, rest) =
        std::mem::take(&mut body.blocks).into_iter().partition(|b| b.kind.name.as_ref() == kind);
    body.blocks = rest;
    taken
}

/// Takes attributes out that come a second time, in a body and in all of its blocks: the first counts.
pub(super) fn without_repeated(body: &mut Body, faults: &mut Diagnostics) {
    let names = || body.attributes.iter().map(|attribute| &attribute.name.name);
    let mut seen: HashMap<Arc<str>, Span> = HashMap::new();
    if has_repeated(names()) {
        body.attributes.retain(|attribute| match seen.get(&attribute.name.name) {
            Some(first) => {
                faults.push(twice(&attribute.name.name, attribute.name.span, *first));
                false
            }
            None => {
                seen.insert(attribute.name.name.clone(), attribute.name.span);
                true
            }
        });
    }
    body.blocks.iter_mut().for_each(|block| without_repeated(&mut block.body, faults));
}

/// Whether a name comes again. Most bodies are short, and comparing a few names costs less than a set of them.
fn has_repeated<'a>(names: impl ExactSizeIterator<Item = &'a Arc<str>> + Clone) -> bool {
    const SHORT: usize = 8;
    if names.len() > SHORT {
        let mut seen = HashSet::with_capacity(names.len());
        return !names.into_iter().all(|name| seen.insert(name));
    }
    names.clone().enumerate().any(|(at, name)| names.clone().take(at).any(|other| other == name))
}

fn twice(name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error("duplicate-attribute", format!("`{name}` is given twice"))
        .at(span)
        .see(first, "first here")
        .hint("remove one of them")
}
