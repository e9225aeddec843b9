//! Configurations of providers. What they may hold, the providers themselves describe.

use diag::{Diagnostic, Span};

use super::super::collect::Collector;
use super::super::environment::take;
use super::super::terraform::ProviderConfiguration;
use super::resource::{name_of, shrink};
use crate::resolve::Allowed;
use crate::syntax::{Block, Expr, Identifier};

/// Arguments that Terraform keeps for later in a provider's configuration.
const RESERVED: [&str; 4] = ["count", "depends_on", "for_each", "source"];

/// Kinds of blocks that Terraform keeps for later in a provider's configuration.
const RESERVED_BLOCKS: [&str; 2] = ["lifecycle", "locals"];

impl Collector<'_> {
    pub(in super::super) fn provider(&mut self, name: Identifier, mut block: Block) {
        let header = block.header();
        let escaped = self.single(&mut block.body, "_");
        let body = &mut block.body;
        let alias = take(body, "alias").and_then(|expr| self.alias(expr, header));
        let version = take(body, "version").and_then(|expr| {
            self.faults.push(
                Diagnostic::warning(
                    "deprecated-version",
                    "the version of a provider belongs into `required_providers`",
                )
                .at(expr.span)
                .hint("move it to `terraform { required_providers { … } }`"),
            );
            self.placed_text(expr, "version")
        });
        for word in RESERVED {
            if let Some(span) = name_of(body, word) {
                take(body, word);
                self.reserved_in_provider(word, span);
            }
        }
        for inner in body.blocks.iter().filter(|b| RESERVED_BLOCKS.contains(&b.kind.name.as_ref())) {
            let fault = Diagnostic::error(
                "reserved-name",
                format!("`{}` blocks in a provider's configuration are reserved", inner.kind.name),
            );
            self.faults.push(fault.at(inner.kind.span).hint("leave it out"));
        }
        if let Some(escaped) = escaped {
            body.attributes.extend(escaped.body.attributes);
            body.blocks.extend(escaped.body.blocks);
        }
        self.duplicates(body);
        let references =
            self.resolve(&mut block.body, Allowed::infrastructure("a provider's configuration"), &[]);
        shrink(&mut block.body);
        self.configuration.providers.push(ProviderConfiguration {
            name,
            alias,
            version,
            header,
            body: block.body,
            references,
        });
    }

    fn alias(&mut self, expr: Expr, header: Span) -> Option<Identifier> {
        let span = expr.span;
        let Some(name) = self.text(expr, "alias") else {
            if self.is_module {
                let fault =
                    Diagnostic::error("invalid-alias", "this configuration has no alias that is known");
                self.faults.push(fault.at(header).hint("write its `alias` as a text"));
            }
            return None;
        };
        let alias = Identifier { name, span };
        self.check_identifier(&alias, "provider's configuration");
        Some(alias)
    }

    fn reserved_in_provider(&mut self, word: &str, span: Span) {
        self.faults.push(
            Diagnostic::error("reserved-name", format!("`{word}` in a provider's configuration is reserved"))
                .at(span)
                .hint("leave it out"),
        );
    }
}
