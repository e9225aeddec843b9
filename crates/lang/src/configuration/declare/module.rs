//! Calls of modules. Whether a module takes what it is given is checked once it is loaded.

use std::collections::HashMap;

use diag::{Diagnostic, Span};
use value::Type;

use super::super::collect::Collector;
use super::super::environment::take;
use super::super::terraform::{Call, ProviderReference};
use super::once;
use super::resource::{name_of, shrink};
use super::stack::STACK;
use crate::resolve::Allowed;
use crate::syntax::{Block, Expr, ExprKind, Identifier};

impl Collector<'_> {
    pub(in super::super) fn call(&mut self, name: Identifier, mut block: Block) {
        let header = block.header();
        let is_stack = block.kind.name.as_ref() == STACK;
        let missing = block.place();
        let body = &mut block.body;
        let source_place = name_of(body, "source");
        if source_place.is_none() {
            self.missing("source", &format!("module \"{}\"", name.name), missing);
        }
        let source = take(body, "source").and_then(|expr| {
            let span = expr.span;
            Some((self.text(expr, "source")?, span))
        });
        let version = take(body, "version").and_then(|expr| self.placed_text(expr, "version"));
        let (mut count, mut for_each) = self.repetition(body);
        let depends_on = take(body, "depends_on").map_or_else(Vec::new, |expr| self.dependencies(expr));
        let providers = take(body, "providers").and_then(|expr| self.passed_providers(expr));
        for inner in &body.blocks {
            let kind = &inner.kind.name;
            let fault = match kind.as_ref() {
                "lifecycle" | "locals" | "provider" => Diagnostic::error(
                    "reserved-name",
                    format!("`{kind}` blocks in a module call are reserved"),
                ),
                _ => Diagnostic::error("unknown-block", format!("a module call has no block `{kind}`")),
            };
            let fault = fault.at(inner.kind.span).hint("a module takes values only: `name = …`");
            // It is as an argument that the module has no variable for.
            let list = if fault.code == "unknown-block" { &mut self.references } else { &mut self.faults };
            list.push(fault);
        }
        self.duplicates(body);
        let outside = Allowed::infrastructure("the number of calls of a module");
        let mut references = Vec::new();
        for expr in count.iter_mut().chain(for_each.iter_mut()) {
            references.extend(self.resolve_expr(expr, outside, &[]));
        }
        let inside = Allowed {
            each: for_each.is_some(),
            count: count.is_some(),
            ..Allowed::infrastructure(super::CALL)
        };
        for attribute in &mut body.attributes {
            references.extend(self.resolve_expr(&mut attribute.expr, inside, &[]));
        }
        once(&mut references);
        shrink(body);
        self.configuration.calls.push(Call {
            name,
            is_stack,
            header,
            source,
            version,
            count,
            for_each,
            depends_on,
            providers,
            body: block.body,
            references,
            outputs: Vec::new(),
        });
    }

    /// A text that the language reads, with its place; null is as if nothing were said.
    pub(super) fn placed_text(
        &mut self,
        expr: Expr,
        name: &'static str,
    ) -> Option<(std::sync::Arc<str>, Span)> {
        if matches!(&expr.kind, ExprKind::Literal(value) if value.is_null()) {
            return None;
        }
        let span = expr.span;
        let value = self.written(expr, &Type::String, name).ok()?;
        Some((value.as_str()?.into(), span))
    }

    /// `providers = { aws = aws.eu }`: names in the called module, and configurations here.
    fn passed_providers(&mut self, expr: Expr) -> Option<Vec<(ProviderReference, ProviderReference)>> {
        let items = match expr.kind {
            ExprKind::Object(items) => items,
            ExprKind::Broken => return None,
            _ => {
                self.faults.push(
                    Diagnostic::error("invalid-providers", "`providers` is an object of providers")
                        .at(expr.span)
                        .hint("write it as in `providers = { aws = aws.eu }`"),
                );
                return None;
            }
        };
        let mut passed: Vec<(ProviderReference, ProviderReference)> = Vec::with_capacity(items.len());
        let mut seen: HashMap<String, Span> = HashMap::new();
        for item in items {
            let key = item.key;
            // A bare key is read as text; with a dot or between parentheses it is an expression.
            let key = match key.kind {
                ExprKind::Literal(text) => match text.as_str() {
                    Some(text) => self.reference_of_text(text, key.span),
                    None => self.provider_reference(
                        Expr { kind: ExprKind::Literal(text), span: key.span },
                        "providers",
                    ),
                },
                ExprKind::Parens(inner) => self.provider_reference(*inner, "providers"),
                _ => self.provider_reference(key, "providers"),
            };
            let value = self.provider_reference(item.value, "providers");
            let (Some(key), Some(value)) = (key, value) else { continue };
            let text = key.to_string();
            if let Some(first) = seen.get(&text) {
                self.faults.push(
                    Diagnostic::error("duplicate-provider", format!("the provider `{text}` is passed twice"))
                        .at(key.span)
                        .see(*first, "first here")
                        .hint("remove one of them"),
                );
                continue;
            }
            seen.insert(text, key.span);
            passed.push((key, value));
        }
        Some(passed)
    }

    /// The key of an object, which is read as text: `aws`, `"aws.eu"`.
    fn reference_of_text(&mut self, text: &str, span: Span) -> Option<ProviderReference> {
        let (name, alias) = match text.split_once('.') {
            Some((name, alias)) => (name, Some(alias)),
            None => (text, None),
        };
        let name = Identifier { name: name.into(), span };
        let before = self.faults.0.len();
        self.check_provider_name(&name);
        let is_good = self.faults.0.len() == before;
        is_good.then(|| ProviderReference { name: name.name, alias: alias.map(Into::into), span })
    }
}

impl std::fmt::Display for ProviderReference {
    /// `aws` or `aws.eu`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        match &self.alias {
            Some(alias) => write!(f, ".{alias}"),
            None => Ok(()),
        }
    }
}
