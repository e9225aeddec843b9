//! Resources, data sources and ephemeral resources: what the language reads is taken out of the body; the provider describes the rest.

use diag::{Diagnostic, Span};

use super::super::collect::{Collector, FoundResource};
use super::super::environment::take;
use super::super::terraform::{ProviderReference, Resource};
use super::once;
use crate::address::Mode;
use crate::resolve::{Allowed, Reference};
use crate::syntax::{Body, Expr, ExprKind, Identifier, Step};

/// Kinds of blocks that Terraform keeps for later in a resource.
const RESERVED_BLOCKS: [&str; 1] = ["locals"];

impl Collector<'_> {
    pub(in super::super) fn resource(&mut self, found: FoundResource) {
        let FoundResource { mode, kind, name, mut block, in_check } = found;
        let header = block.header();
        let own = self.configuration.names.resource(mode, &kind.name, &name.name);
        let escaped = self.escaped(&mut block.body);
        let (mut count, mut for_each) = self.repetition(&mut block.body);
        if in_check.is_some() {
            for (attribute, word) in [(&count, "count"), (&for_each, "for_each")] {
                if let Some(expr) = attribute {
                    self.faults.push(
                        Diagnostic::error(
                            "not-repeatable",
                            format!("a data source of a check has no `{word}`"),
                        )
                        .at(expr.span)
                        .hint("move it out of the check"),
                    );
                }
            }
        }
        let repeated = Allowed {
            each: for_each.is_some(),
            count: count.is_some(),
            ..Allowed::infrastructure("this block")
        };
        let repeated = Allowed { check: in_check, ..repeated };
        let mut references = Vec::new();
        for (expr, place) in count
            .iter_mut()
            .map(|expr| (expr, "`count`"))
            .chain(for_each.iter_mut().map(|expr| (expr, "`for_each`")))
        {
            references.extend(self.resolve_expr(expr, Allowed::infrastructure(place), &[]));
        }
        let depends_on =
            take(&mut block.body, "depends_on").map_or_else(Vec::new, |expr| self.dependencies(expr));
        let provider =
            take(&mut block.body, "provider").and_then(|expr| self.provider_reference(expr, "provider"));
        let own_reference = own.map(Reference::Resource);
        let lifecycle = match self.single(&mut block.body, "lifecycle") {
            Some(lifecycle) => self.lifecycle(lifecycle, mode, repeated, own_reference, &mut references),
            None => Default::default(),
        };
        let (connection, provisioners) = match mode {
            Mode::Managed => self.provisioners(&mut block.body, repeated),
            Mode::Data | Mode::Ephemeral => (None, Vec::new()),
        };
        self.refuse_reserved(&block.body);
        if let Some(escaped) = escaped {
            block.body.attributes.extend(escaped.attributes);
            block.body.blocks.extend(escaped.blocks);
        }
        self.duplicates(&block.body);
        references.extend(self.resolve(&mut block.body, repeated, &[]));
        once(&mut references);
        let mut body = block.body;
        shrink(&mut body);
        self.configuration.resources.push(Resource {
            mode,
            kind,
            name,
            header,
            count,
            for_each,
            depends_on,
            provider,
            lifecycle,
            provisioners,
            connection,
            in_check,
            body,
            references,
        });
    }

    /// `count` and `for_each`, of which there may be one.
    pub(super) fn repetition(&mut self, body: &mut Body) -> (Option<Expr>, Option<Expr>) {
        let places = (name_of(body, "count"), name_of(body, "for_each"));
        if let (Some(count), Some(for_each)) = places {
            self.faults.push(
                Diagnostic::error("conflicting-attributes", "`count` and `for_each` exclude each other")
                    .at(for_each)
                    .see(count, "the other one")
                    .hint("keep one of them"),
            );
        }
        (take(body, "count"), take(body, "for_each"))
    }

    /// `_ {}`: attributes of the provider that have the name of one that the language reads.
    fn escaped(&mut self, body: &mut Body) -> Option<Body> {
        self.single(body, "_").map(|block| block.body)
    }

    fn refuse_reserved(&mut self, body: &Body) {
        for block in body.blocks.iter().filter(|b| RESERVED_BLOCKS.contains(&b.kind.name.as_ref())) {
            let kind = &block.kind.name;
            self.faults.push(
                Diagnostic::error("reserved-name", format!("`{kind}` blocks in a resource are reserved"))
                    .summary("Reserved block type name in resource block")
                    .at(block.kind.span)
                    .hint(format!(
                        "if the provider has such a block, write it inside `_ {{ {kind} {{ … }} }}`"
                    )),
            );
        }
    }

    /// `aws` or `aws.eu`.
    pub(super) fn provider_reference(&mut self, expr: Expr, name: &str) -> Option<ProviderReference> {
        let span = expr.span;
        if self.is_module && matches!(expr.kind, ExprKind::Broken) {
            let fault =
                Diagnostic::error("invalid-provider", "this does not name a provider's configuration");
            self.faults
                .push(fault.at(span).hint("write the provider's name, and perhaps one alias: `aws.eu`"));
        }
        let element = self.reference(expr, name, "aws.eu")?;
        let (root, steps) = match element.kind {
            ExprKind::Name(root) => (root, Vec::new()),
            ExprKind::Traversal(source, steps) => match source.kind {
                ExprKind::Name(root) => (root, steps),
                _ => return None,
            },
            _ => return None,
        };
        let alias = match steps.as_slice() {
            [] => None,
            [Step::Attribute(alias)] => Some(alias.name.clone()),
            steps => {
                let place = steps.last().map_or(span, Step::span);
                self.faults.push(
                    Diagnostic::error("invalid-provider", "this does not name a provider's configuration")
                        .at(place)
                        .hint(format!(
                            "write the provider's name, and perhaps one alias: `{root}` or `{root}.eu`"
                        )),
                );
                return None;
            }
        };
        self.check_provider_name(&Identifier { name: root.clone(), span });
        Some(ProviderReference { name: root, alias, span })
    }

    /// What Terraform takes for a provider's name in a module.
    pub(in super::super) fn check_provider_name(&mut self, name: &Identifier) {
        let text = name.name.as_ref();
        let belongs = |c: char| c.is_alphanumeric() || c == '-';
        if text.is_empty() || text.starts_with('-') || text.ends_with('-') || !text.chars().all(belongs) {
            self.faults.push(
                Diagnostic::error("invalid-name", format!("{text:?} cannot be the name of a provider"))
                    .summary("Invalid provider local name")
                    .at(name.span)
                    .hint("letters, digits and `-`, which neither begins nor ends it"),
            );
        }
    }
}

/// Where the name of an attribute stands.
pub(in super::super) fn name_of(body: &Body, name: &str) -> Option<Span> {
    body.attribute(name).map(|attribute| attribute.name.span)
}

/// Gives back what growing lists and taking parts out have left unused: there is a body for each of very many resources.
pub(super) fn shrink(body: &mut Body) {
    body.attributes.shrink_to_fit();
    body.blocks.shrink_to_fit();
    for block in &mut body.blocks {
        shrink(&mut block.body);
    }
}
