//! Expressions that need nothing but themselves.

use diag::{Diagnostic, Diagnostics, Span};
use value::{Type, Value};

use crate::eval::{self, Scope};
use crate::files::{MemoryFiles, ProjectFiles};
use crate::resolve::{Allowed, Names, Reference, Resolver};
use crate::syntax::{Expr, ExprKind, Part, Step};

/// The value of an expression; unknown after a fault. References and calls are faults, each said once.
pub(super) fn evaluate(mut expr: Expr, diagnostics: &mut Diagnostics) -> Value {
    let mut search = Search { bound: Vec::new(), faults: Diagnostics::default() };
    search.expr(&expr);
    if search.faults.has_errors() {
        diagnostics.extend(search.faults);
        return Value::unknown(Type::Dynamic);
    }
    // What is left to resolve are the names that a `for` binds.
    let names = Names::default();
    let mut resolver = Resolver::new(&names, Allowed::constant("a file of values"), &[]);
    resolver.expr(&mut expr);
    diagnostics.extend(resolver.finish().diagnostics);
    match eval::evaluate(&expr, &Nothing(MemoryFiles::default())) {
        Ok(value) => value,
        Err(faults) => {
            diagnostics.extend(faults);
            Value::unknown(Type::Dynamic)
        }
    }
}

struct Nothing(MemoryFiles);

impl Scope for Nothing {
    fn get(&self, _: Reference) -> Result<Value, Diagnostic> {
        Err(Diagnostic::error("reference-not-allowed", "nothing has a value here"))
    }

    fn files(&self) -> &dyn ProjectFiles {
        &self.0
    }
}

/// Looks for references and calls.
struct Search<'a> {
    /// Names that a `for` around binds.
    bound: Vec<&'a str>,
    faults: Diagnostics,
}

impl<'a> Search<'a> {
    fn reference(&mut self, span: Span) {
        self.faults.push(
            Diagnostic::error("reference-not-allowed", "a value given from outside cannot refer to anything")
                .at(span)
                .hint("text is written between quotes; what is computed from variables goes into `locals`"),
        );
    }

    fn all(&mut self, exprs: impl IntoIterator<Item = &'a Expr>) {
        for expr in exprs {
            self.expr(expr);
        }
    }

    fn expr(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Broken => {}
            ExprKind::Name(name) if self.bound.contains(&name.as_ref()) => {}
            ExprKind::Name(_) | ExprKind::Reference(_) => self.reference(expr.span),
            ExprKind::Template(parts) => self.parts(parts),
            ExprKind::Wrap(e) | ExprKind::Parens(e) | ExprKind::Negate(e) | ExprKind::Not(e) => self.expr(e),
            ExprKind::Tuple(elements) => self.all(elements),
            ExprKind::Object(items) => self.all(items.iter().flat_map(|i| [&i.key, &i.value])),
            ExprKind::Traversal(source, steps) => match &source.kind {
                ExprKind::Name(name) if !self.bound.contains(&name.as_ref()) => self.reference(expr.span),
                _ => {
                    self.expr(source);
                    self.steps(steps);
                }
            },
            ExprKind::Call(call) => self.faults.push(
                Diagnostic::error(
                    "function-not-allowed",
                    "a value given from outside cannot call a function",
                )
                .at(call.name.span)
                .hint("what is computed goes into `locals`"),
            ),
            ExprKind::Conditional(parts) => self.all(parts.iter()),
            ExprKind::Binary(first, rest) => {
                self.expr(first);
                self.all(rest.iter().map(|(_, e)| e));
            }
            ExprKind::For(for_) => {
                self.expr(&for_.collection);
                let before = self.bound.len();
                self.bound.extend(for_.key_name.iter().chain([&for_.value_name]).map(|n| n.name.as_ref()));
                self.all(for_.key.iter().chain([&for_.value]).chain(&for_.condition));
                self.bound.truncate(before);
            }
        }
    }

    fn steps(&mut self, steps: &'a [Step]) {
        for step in steps {
            match step {
                Step::Attribute(_) | Step::LegacyIndex(..) => {}
                Step::Index(key, _) => self.expr(key),
                Step::Splat { steps, .. } => self.steps(steps),
            }
        }
    }

    fn parts(&mut self, parts: &'a [Part]) {
        for part in parts {
            match part {
                Part::Text(_) => {}
                Part::Value(e) => self.expr(e),
                Part::If { condition, then, otherwise } => {
                    self.expr(condition);
                    self.parts(then);
                    self.parts(otherwise);
                }
                Part::For { key_name, value_name, collection, body } => {
                    self.expr(collection);
                    let before = self.bound.len();
                    self.bound.extend(key_name.iter().chain([value_name]).map(|n| n.name.as_ref()));
                    self.parts(body);
                    self.bound.truncate(before);
                }
            }
        }
    }
}
