//! `depends_on`: references that only say what comes first.

use diag::{Diagnostic, Span};

use super::super::collect::Collector;
use super::super::declaration::Dependency;
use crate::resolve::Allowed;
use crate::syntax::{Expr, ExprKind, Step, parse_expression};

impl Collector<'_> {
    /// `depends_on = [service.cache]`, `[aws_vpc.main, module.net]`.
    pub(super) fn dependencies(&mut self, expr: Expr) -> Vec<Dependency> {
        let Some(elements) = self.references(expr, "depends_on", "service.cache") else { return Vec::new() };
        let mut dependencies = Vec::new();
        for mut element in elements {
            let only = Allowed {
                each: self.is_module,
                count: self.is_module,
                own: self.is_module,
                whole: true,
                ..Allowed::all("`depends_on`")
            };
            // Values of a project need nothing and come before everything.
            let only = Allowed { variables: self.is_module, locals: self.is_module, ..only };
            for on in self.resolve_expr(&mut element, only, &[]) {
                dependencies.push(Dependency { on, span: element.span });
            }
        }
        dependencies
    }

    /// The elements of a list of references, each with its steps; `None` where it is no list.
    pub(super) fn references(&mut self, expr: Expr, name: &str, example: &str) -> Option<Vec<Expr>> {
        let elements = match expr.kind {
            ExprKind::Tuple(elements) => elements,
            ExprKind::Broken if !self.is_module => return None,
            _ => {
                self.faults.push(
                    Diagnostic::error(code(name), format!("`{name}` is a list of references"))
                        .at(expr.span)
                        .hint(format!("write it as in `{name} = [{example}]`")),
                );
                return None;
            }
        };
        Some(elements.into_iter().filter_map(|element| self.reference(element, name, example)).collect())
    }

    /// One reference that is written as such: names, attributes and constant keys. As older configurations have it, between quotes.
    pub(super) fn reference(&mut self, element: Expr, name: &str, example: &str) -> Option<Expr> {
        match &element.kind {
            ExprKind::Broken => None,
            ExprKind::Name(_) => Some(element),
            ExprKind::Traversal(source, steps) if matches!(source.kind, ExprKind::Name(_)) => {
                let is_plain = steps.iter().all(is_constant);
                if is_plain {
                    return Some(element);
                }
                self.not_a_reference(element.span, name, example);
                None
            }
            ExprKind::Literal(value) if value.as_str().is_some() => {
                let text = value.as_str().unwrap_or_default().to_owned();
                if !self.is_module {
                    let fault = Diagnostic::error(
                        code(name),
                        format!("an entry of `{name}` is a reference, not text"),
                    )
                    .at(element.span);
                    self.faults.push(fault.hint(format!("write `service.{text}`")));
                    return None;
                }
                match quoted(&text, element.span) {
                    Some(unquoted) => {
                        self.faults.push(
                            Diagnostic::warning("quoted-reference", "a reference is written without quotes")
                                .at(element.span)
                                .hint(format!("write `{text}`")),
                        );
                        Some(unquoted)
                    }
                    None => {
                        self.not_a_reference(element.span, name, example);
                        None
                    }
                }
            }
            _ => {
                self.not_a_reference(element.span, name, example);
                None
            }
        }
    }

    fn not_a_reference(&mut self, span: Span, name: &str, example: &str) {
        self.faults.push(
            Diagnostic::error(code(name), format!("`{name}` takes references only"))
                .at(span)
                .because("names, attributes and constant keys, and nothing that would have to be worked out")
                .hint(format!("write it as in `{example}`")),
        );
    }
}

fn code(name: &str) -> String {
    format!("invalid-{}", name.replace('_', "-"))
}

/// Whether a step is the same whatever the values are.
pub(super) fn is_constant(step: &Step) -> bool {
    match step {
        Step::Attribute(_) | Step::LegacyIndex(..) => true,
        Step::Index(key, _) => matches!(key.kind, ExprKind::Literal(_)),
        Step::Splat { .. } => false,
    }
}

/// A reference that was written between quotes, at the place of the text.
fn quoted(text: &str, span: Span) -> Option<Expr> {
    let parsed = parse_expression(span.file, text);
    if !parsed.diagnostics.is_empty() {
        return None;
    }
    match parsed.tree.kind {
        kind @ ExprKind::Name(_) => Some(Expr { kind, span }),
        ExprKind::Traversal(mut source, mut steps) if matches!(source.kind, ExprKind::Name(_)) => {
            source.span = span;
            for step in &mut steps {
                match step {
                    Step::Attribute(name) => name.span = span,
                    Step::LegacyIndex(_, at) | Step::Splat { span: at, .. } => *at = span,
                    Step::Index(key, at) => {
                        key.span = span;
                        *at = span;
                    }
                }
            }
            steps.iter().all(is_constant).then_some(Expr { kind: ExprKind::Traversal(source, steps), span })
        }
        _ => None,
    }
}
