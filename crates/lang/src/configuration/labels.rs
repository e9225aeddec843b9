//! The names in a block's header: how many there are, what they may look like, and that none comes twice.

use diag::{Diagnostic, Span};

use super::collect::Collector;
use super::environment::check_name;
use crate::syntax::{Block, Identifier, is_identifier};

impl Collector<'_> {
    /// The labels of a block with as many as it has parts: `["KIND", "NAME"]`. The header keeps showing them.
    pub(super) fn labels<const N: usize>(
        &mut self,
        block: &Block,
        noun: &'static str,
        parts: [&str; N],
    ) -> Option<[Identifier; N]> {
        let shown = || parts.iter().map(|part| format!(" \"{part}\"")).collect::<String>();
        if let Some(extra) = block.labels.get(N) {
            let fault = match parts.as_slice() {
                [] => Diagnostic::error("extra-label", format!("`{noun}` has no label")),
                [_] => Diagnostic::error("extra-label", format!("`{noun}` has one label: its name")),
                _ => Diagnostic::error("extra-label", format!("`{noun}` has {N} labels")),
            };
            self.faults.push(match parts.as_slice() {
                [_] => fault.at(extra.span).hint("remove this one"),
                _ => fault.at(extra.span).hint(format!("write it as `{noun}{} {{ … }}`", shown())),
            });
        }
        match block.labels.get(..N).and_then(|labels| <[Identifier; N]>::try_from(labels.to_vec()).ok()) {
            Some(labels) => Some(labels),
            None => {
                let what = if N == 1 { "a name".to_owned() } else { format!("{N} labels") };
                self.faults.push(
                    Diagnostic::error("missing-label", format!("`{noun}` needs {what}"))
                        .at(block.kind.span)
                        .hint(format!("write it as `{noun}{} {{ … }}`", shown())),
                );
                None
            }
        }
    }

    /// The one label of a block.
    pub(super) fn label(&mut self, block: &Block, noun: &'static str) -> Option<Identifier> {
        let [name] = self.labels(block, noun, ["NAME"])?;
        self.check_label(&name, noun);
        Some(name)
    }

    /// What Terraform takes for a name.
    pub(super) fn check_identifier(&mut self, name: &Identifier, noun: &str) {
        if !is_identifier(&name.name) {
            self.faults.push(
                Diagnostic::error("invalid-name", format!("{:?} cannot be the name of a {noun}", name.name))
                    .at(name.span)
                    .hint("letters, digits, `_` and `-`, beginning with a letter or `_`"),
            );
        }
    }

    fn check_label(&mut self, name: &Identifier, noun: &'static str) {
        match noun {
            "variable" | "output" | "module" | "check" => self.check_identifier(name, noun),
            "image" => {
                let part = |p: &str| {
                    p.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                        && p.bytes()
                            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
                };
                if name.name.len() > 200 || !name.name.split('/').all(part) {
                    self.faults.push(
                        Diagnostic::error(
                            "invalid-name",
                            format!("{:?} cannot be the name of an image", name.name),
                        )
                        .at(name.span)
                        .hint(
                            "lower-case letters, digits, `.`, `_` and `-`, in parts between `/`: `shop/web`",
                        ),
                    );
                }
            }
            noun => check_name(&name.name, name.span, noun, &mut self.faults),
        }
    }

    /// Whether a name is new among its kind.
    pub(super) fn declare(&mut self, noun: &'static str, name: &Identifier) -> bool {
        match self.declared.get(&(noun, name.name.clone())) {
            Some(first) => {
                let first = *first;
                self.duplicate(&format!("{noun}s `{}`", name.name), name.span, first);
                false
            }
            None => {
                self.declared.insert((noun, name.name.clone()), name.span);
                true
            }
        }
    }

    /// Two of one name.
    pub(super) fn duplicate(&mut self, what: &str, span: Span, first: Span) {
        self.faults.push(
            Diagnostic::error("duplicate-declaration", format!("there are two {what}"))
                .at(span)
                .see(first, "first here")
                .hint("give one of them another name"),
        );
    }
}
