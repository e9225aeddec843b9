//! Expressions to values: unknowns, nulls and marks travel through every operation.
//!
//! It looks up no name (see [`crate::resolve`]) and reads no file but through the scope. After a fault it goes on with an unknown
//! value, so that every fault of an expression is found, and no fault follows from another.

mod access;
mod call;
mod collection;
mod constraint;
mod describe;
mod operator;
mod prefix;
mod template;

use std::time::SystemTime;

use diag::{Diagnostic, Diagnostics, Span};
use value::{Marks, Type, Value};

pub use constraint::type_constraint;
pub use describe::{describe_type, describe_value};
pub(crate) use prefix::certain_prefix;

use crate::ProjectFiles;
use crate::functions::FunctionError;
use crate::resolve::Reference;
use crate::syntax::{Expr, ExprKind};

/// Where values of references come from.
pub trait Scope {
    /// The value of a reference; [`Reference::Slot`] is never asked for.
    ///
    /// # Errors
    /// If it has none here. The place is added by the evaluator.
    #[expect(clippy::result_large_err, reason = "a fault is rare, and boxing it would burden every scope")]
    fn get(&self, reference: Reference) -> Result<Value, Diagnostic>;

    /// The files that functions may read.
    fn files(&self) -> &dyn ProjectFiles;

    /// Whether `uuid` and `bcrypt` have a value; if not, it is unknown. They have one only at an apply, where each expression is
    /// evaluated once: what they gave twice would differ.
    fn may_draw(&self) -> bool {
        false
    }

    /// The time that `timestamp` gives, where [`Scope::may_draw`] lets it give one; none where it is not known yet.
    fn now(&self) -> Option<SystemTime> {
        None
    }

    /// The time that `plantimestamp` gives: one for the whole run. None where it is not known yet.
    fn plan_time(&self) -> Option<SystemTime> {
        None
    }

    /// Whether faults are told of what may never have to be worked out: a result of a conditional, or what a `for` makes of elements,
    /// where it is not known yet which or what they are. Terraform does not.
    fn foresees(&self) -> bool {
        true
    }

    /// Calls a provider's function, whose name is written as in `provider::NAME::FUNCTION`. Arguments are as they were given:
    /// converting them, and what unknowns and marks make of the result, is the callee's, which has the signature.
    ///
    /// # Errors
    /// If there is no such function here, or it fails.
    fn call(&self, name: &str, arguments: &[Value]) -> Result<Value, FunctionError> {
        let _ = arguments;
        let message =
            format!("The function `{name}` is not available here: no provider that offers it is loaded.");
        Err(FunctionError::new(None, message))
    }
}

/// The value of a resolved expression.
///
/// # Errors
/// All of its faults, each with its place.
pub fn evaluate(expr: &Expr, scope: &dyn Scope) -> Result<Value, Diagnostics> {
    evaluate_with(expr, scope, &[])
}

/// The value of a resolved expression in a place that binds names of its own: slot 0 and on.
///
/// # Errors
/// All of its faults, each with its place.
pub fn evaluate_with(expr: &Expr, scope: &dyn Scope, slots: &[Value]) -> Result<Value, Diagnostics> {
    let mut evaluator = Evaluator::new(scope, slots);
    let value = evaluator.value(expr);
    evaluator.finish(value)
}

/// Evaluates expressions that share slots.
pub(crate) struct Evaluator<'a> {
    scope: &'a dyn Scope,
    pub(crate) slots: Vec<Value>,
    pub(crate) diagnostics: Diagnostics,
    /// Whether this is a template of `templatefile`, which may call no other.
    in_template: bool,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(scope: &'a dyn Scope, slots: &[Value]) -> Self {
        Self { scope, slots: slots.to_vec(), diagnostics: Diagnostics::default(), in_template: false }
    }

    pub(crate) fn finish(self, value: Value) -> Result<Value, Diagnostics> {
        if self.diagnostics.has_errors() { Err(self.diagnostics) } else { Ok(value) }
    }

    /// Notes a fault; what goes on in its place is unknown.
    fn fail(&mut self, diagnostic: Diagnostic) -> Value {
        self.diagnostics.push(diagnostic);
        Value::unknown(Type::Dynamic)
    }

    /// The value of an expression; unknown after a fault, which has been noted.
    pub(crate) fn value(&mut self, expr: &Expr) -> Value {
        match &expr.kind {
            ExprKind::Literal(value) => value.clone(),
            ExprKind::Reference(reference) => self.reference(*reference, expr.span),
            ExprKind::Name(name) => {
                let fault = Diagnostic::error("unknown-name", format!("nothing is called `{name}` here"));
                self.fail(fault.at(expr.span))
            }
            ExprKind::Template(parts) => self.template(parts),
            ExprKind::Wrap(inner) | ExprKind::Parens(inner) => self.value(inner),
            ExprKind::Tuple(elements) => {
                Value::tuple(elements.iter().map(|e| self.value(e)).collect::<Vec<_>>())
            }
            ExprKind::Object(items) => self.object(items),
            ExprKind::Traversal(source, steps) => {
                let value = self.value(source);
                self.steps(value, source.span, steps)
            }
            ExprKind::Call(call) => self.call(call, expr.span),
            ExprKind::Conditional(parts) => self.conditional(parts, expr.span),
            ExprKind::Binary(first, rest) => self.binary(first, rest),
            ExprKind::Negate(inner) => self.negate(inner),
            ExprKind::Not(inner) => self.not(inner),
            ExprKind::For(for_) => self.for_expression(for_),
            ExprKind::Broken => Value::unknown(Type::Dynamic),
        }
    }

    fn reference(&mut self, reference: Reference, span: Span) -> Value {
        if let Reference::Slot(slot) = reference {
            return match self.slots.get(slot as usize) {
                Some(value) => value.clone(),
                None => self.fail(Diagnostic::error("unknown-name", "this name has no value here").at(span)),
            };
        }
        match self.scope.get(reference) {
            Ok(value) => value,
            Err(mut diagnostic) => {
                if diagnostic.span.is_none() {
                    diagnostic.span = Some(span);
                }
                self.fail(diagnostic)
            }
        }
    }

    /// What it gives with its faults apart, for expressions that may fail without harm.
    fn apart(&mut self, expr: &Expr) -> (Value, Diagnostics) {
        let before = std::mem::take(&mut self.diagnostics);
        let value = self.value(expr);
        let faults = std::mem::replace(&mut self.diagnostics, before);
        (value, faults)
    }

    /// Works something out that may never have to be.
    fn ahead<T>(&mut self, work_out: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.diagnostics.0.len();
        let result = work_out(self);
        if !self.scope.foresees() {
            self.diagnostics.0.truncate(before);
        }
        result
    }

    /// A condition: known or unknown, and its marks; `None` after a fault.
    fn condition(&mut self, expr: &Expr, what: &str) -> Option<(Option<bool>, Marks)> {
        let (value, marks) = self.value(expr).unmark();
        if value.is_null() {
            self.fail(
                Diagnostic::error("null-condition", format!("{what} is null"))
                    .at(expr.span)
                    .hint("it has to be `true` or `false`"),
            );
            return None;
        }
        match value::convert(&value, &Type::Bool) {
            Ok(value) => Some((value.as_bool(), marks)),
            Err(e) => {
                let fault =
                    Diagnostic::error("invalid-condition", format!("{what} has to be `true` or `false`"))
                        .summary(if what.ends_with("`for`") {
                            "Invalid 'for' condition"
                        } else {
                            "Incorrect condition type"
                        })
                        .at(expr.span)
                        .label(format!("this is {}", describe_value(&value.clone().with_marks(marks))));
                let fault = if value.as_str().is_some() && e.message.contains("lowercase") {
                    fault.hint("write it in lower case")
                } else {
                    fault
                };
                self.fail(fault);
                None
            }
        }
    }
}
