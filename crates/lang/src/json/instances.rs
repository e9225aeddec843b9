//! How JSON writes blocks: objects for labels, and an array where there are several. It is the same whether a value is known to be
//! blocks when the file is read or only when a schema is at hand.

use diag::{Diagnostic, Diagnostics, Span};

use crate::syntax::Identifier;

/// A value as far as blocks are concerned.
pub(super) trait Opened: Sized {
    /// Its place.
    fn span(&self) -> Span;

    /// What it holds.
    fn open(self, faults: &mut Diagnostics) -> Content<Self>;
}

/// What a value holds.
pub(super) enum Content<T> {
    /// Nothing, or what has been reported.
    Nothing,
    /// An array.
    Elements(Vec<T>),
    /// An object.
    Properties(Vec<(Identifier, T)>),
    /// Anything else.
    Other,
}

/// One block: its labels, what is in it, and where that is.
pub(super) struct Instance<T> {
    pub labels: Vec<Identifier>,
    pub properties: Vec<(Identifier, T)>,
    pub span: Span,
}

/// The name of a property that is a comment wherever it could be an attribute or block.
pub(super) const COMMENT: &str = "//";

/// The blocks that a value stands for. `labels` is how many labels each has.
pub(super) fn instances<T: Opened>(
    kind: &str,
    value: T,
    labels: usize,
    faults: &mut Diagnostics,
) -> Vec<Instance<T>> {
    let mut walk = Walk { kind, faults, found: Vec::new(), is_unlabelled: false };
    walk.level(value, labels, &mut Vec::new(), false);
    walk.found
}

struct Walk<'a, T> {
    kind: &'a str,
    faults: &'a mut Diagnostics,
    found: Vec<Instance<T>>,
    /// Whether an element of an array was no object with labels.
    is_unlabelled: bool,
}

impl<T: Opened> Walk<'_, T> {
    /// `wanted` labels are still to come before the body.
    fn level(&mut self, value: T, wanted: usize, labels: &mut Vec<Identifier>, in_array: bool) {
        let span = value.span();
        match value.open(self.faults) {
            Content::Nothing if wanted == 0 && !in_array => {}
            Content::Nothing if wanted > 0 => self.missing_label(span),
            Content::Elements(elements) if !in_array => {
                if elements.is_empty() && wanted > 0 {
                    self.missing_label(span);
                }
                let before = self.found.len();
                for element in elements {
                    self.level(element, wanted, labels, true);
                }
                // What is no object gives no label either, which Terraform tells beside it, once.
                if wanted > 0 && self.found.len() == before && self.is_unlabelled {
                    self.is_unlabelled = false;
                    self.missing_label(span);
                }
            }
            Content::Properties(properties) if wanted == 0 => {
                self.found.push(Instance { labels: labels.clone(), properties, span });
            }
            Content::Properties(properties) => {
                if properties.is_empty() {
                    self.missing_label(span);
                }
                for (label, value) in properties {
                    labels.push(label);
                    self.level(value, wanted - 1, labels, false);
                    labels.pop();
                }
            }
            Content::Nothing | Content::Elements(_) | Content::Other => {
                self.not_a_block(span, wanted, in_array);
                if wanted > 0 && in_array {
                    self.is_unlabelled = true;
                } else if wanted > 0 {
                    self.missing_label(span);
                }
            }
        }
    }

    fn missing_label(&mut self, span: Span) {
        self.faults.push(
            Diagnostic::error("missing-label", format!("a label of `{}` is missing", self.kind))
                .at(span)
                .hint("labels are the names of properties: `{ \"NAME\": { … } }`"),
        );
    }

    fn not_a_block(&mut self, span: Span, wanted: usize, in_array: bool) {
        let what = if wanted > 0 { "labels" } else { "blocks" };
        let message = if in_array {
            format!("the {what} of `{}` are JSON objects", self.kind)
        } else {
            format!("the {what} of `{}` are a JSON object, or an array of objects", self.kind)
        };
        let hint = if wanted > 0 { "write `{ \"NAME\": { … } }`" } else { "write `{ \"name\": value }`" };
        self.faults.push(Diagnostic::error("json-value", message).at(span).hint(hint));
    }
}
