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
            let fault = fault.summary(format!("Extraneous label for {noun}"));
            self.faults.push(match parts.as_slice() {
                [_] => fault.at(extra.span).hint("remove this one"),
                _ => fault.at(extra.span).hint(format!("write it as `{noun}{} {{ … }}`", shown())),
            });
        }
        // Terraform looks no further into a block that has too many.
        if self.is_module && block.labels.len() > N {
            return None;
        }
        match block.labels.get(..N).and_then(|labels| <[Identifier; N]>::try_from(labels.to_vec()).ok()) {
            Some(labels) => Some(labels),
            None => {
                let what = if N == 1 { "a name".to_owned() } else { format!("{N} labels") };
                self.faults.push(
                    Diagnostic::error("missing-label", format!("`{noun}` needs {what}"))
                        .summary(format!("Missing {} for {noun}", missing_label(noun, block.labels.len())))
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
                    .summary(match noun {
                        "module" => "Invalid module instance name".to_owned(),
                        "check" => "Invalid check block name".to_owned(),
                        "kind of resource" => "Invalid resource type name".to_owned(),
                        noun => format!("Invalid {noun} name"),
                    })
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
        let span = name.span;
        match self.declared.get(&(noun, name.name.clone())) {
            Some(first) => {
                let first = *first;
                let what = format!("{noun}s `{}`", name.name);
                let name = &name.name;
                let summary = match noun {
                    "output" => "Duplicate output definition".to_owned(),
                    "variable" => "Duplicate variable declaration".to_owned(),
                    "module" => "Duplicate module call".to_owned(),
                    "local" => "Duplicate local value definition".to_owned(),
                    noun => format!("Duplicate {noun} \"{name}\" configuration"),
                };
                self.duplicate(&what, span, first, summary);
                false
            }
            None => {
                self.declared.insert((noun, name.name.clone()), name.span);
                true
            }
        }
    }

    /// Two of one name.
    pub(super) fn duplicate(&mut self, what: &str, span: Span, first: Span, summary: String) {
        self.faults.push(
            Diagnostic::error("duplicate-declaration", format!("there are two {what}"))
                .summary(summary)
                .at(span)
                .see(first, "first here")
                .hint("give one of them another name"),
        );
    }
}

/// Which of a block's labels Terraform misses.
fn missing_label(noun: &str, given: usize) -> &'static str {
    match (noun, given) {
        ("resource" | "data" | "ephemeral", 0) | ("provisioner" | "backend", _) => "type",
        _ => "name",
    }
}
