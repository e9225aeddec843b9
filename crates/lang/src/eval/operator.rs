//! Operators and the conditional.

use diag::{Diagnostic, Diagnostics, Span};
use value::{Bound, Kind, Marks, Number, Refinements, Type, Value, convert, unify};

use super::{Evaluator, describe_type, describe_value};
use crate::syntax::{Expr, Operator};

impl Evaluator<'_> {
    pub(super) fn binary(&mut self, first: &Expr, rest: &[(Operator, Expr)]) -> Value {
        let mut left = self.value(first);
        let mut span = first.span;
        for (operator, right) in rest {
            // Both sides of `&&` and `||` count, as in Terraform 1.11: a fault or an unknown on the right is one of the whole.
            let value = self.value(right);
            left = self.operate(*operator, (left, span), (value, right.span));
            span = first.span.to(right.span);
        }
        left
    }

    fn operate(&mut self, operator: Operator, left: (Value, Span), right: (Value, Span)) -> Value {
        match operator {
            Operator::Equal => return left.0.equals(&right.0),
            Operator::NotEqual => {
                let (equal, marks) = left.0.equals(&right.0).unmark();
                return match equal.as_bool() {
                    Some(b) => Value::bool(!b),
                    None => unknown(Type::Bool),
                }
                .with_marks(marks);
            }
            _ => {}
        }
        let operand =
            if matches!(operator, Operator::And | Operator::Or) { Type::Bool } else { Type::Number };
        let span = left.1.to(right.1);
        let a = self.operand(operator.sign(), left, &operand);
        let b = self.operand(operator.sign(), right, &operand);
        let (Some((a, a_marks)), Some((b, b_marks))) = (a, b) else {
            return Value::unknown(Type::Dynamic);
        };
        let marks = a_marks.union(b_marks);
        let result = if operand == Type::Bool {
            logic(operator, &a, &b)
        } else {
            self.arithmetic(operator, &a, &b, span)
        };
        result.with_marks(marks)
    }

    /// An operand as the type that its operator takes; `None` after a fault.
    fn operand(&mut self, sign: &str, (value, span): (Value, Span), ty: &Type) -> Option<(Value, Marks)> {
        let (value, marks) = value.unmark();
        let fault = if value.is_null() {
            Diagnostic::error("invalid-operand", format!("`{sign}` cannot work on null"))
                .summary("Operation failed")
                .hint("give it a value where it is null: `coalesce(…, default)`")
        } else {
            match convert(&value, ty) {
                Ok(value) => return Some((value, marks)),
                Err(_) => {
                    let shown =
                        if marks.is_empty() { describe_value(&value) } else { describe_type(&value.ty()) };
                    let fault =
                        Diagnostic::error("invalid-operand", format!("`{sign}` takes {}s", ty.kind_name()))
                            .label(format!("this is {shown}"));
                    match (sign, value.ty()) {
                        ("+", Type::String) => fault.hint("strings are joined in a template: \"${a}${b}\""),
                        ("+", Type::List(_) | Type::Tuple(_)) => {
                            fault.hint("lists are joined by `concat(a, b)`")
                        }
                        ("+", Type::Map(_) | Type::Object(_)) => {
                            fault.hint("maps are joined by `merge(a, b)`")
                        }
                        _ => fault,
                    }
                }
            }
        };
        self.fail(fault.at(span));
        None
    }

    fn arithmetic(&mut self, operator: Operator, a: &Value, b: &Value, span: Span) -> Value {
        let compares = matches!(
            operator,
            Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual
        );
        let (Some(a), Some(b)) = (a.as_number(), b.as_number()) else {
            let certain = if compares { compared(operator, a, b) } else { None };
            return certain
                .map_or_else(|| unknown(if compares { Type::Bool } else { Type::Number }), Value::bool);
        };
        let number = match operator {
            Operator::Less => return Value::bool(a < b),
            Operator::LessEqual => return Value::bool(a <= b),
            Operator::Greater => return Value::bool(a > b),
            Operator::GreaterEqual => return Value::bool(a >= b),
            Operator::Add => Some(a.add(b)),
            Operator::Subtract => Some(a.subtract(b)),
            Operator::Multiply => Some(a.multiply(b)),
            Operator::Divide => a.divide(b),
            // Nothing is taken off, as Terraform has it.
            _ => a.modulo(b).or_else(|| Some(a.clone())),
        };
        match number {
            Some(number) => Value::number(number),
            None => self.fail(Diagnostic::error("division-by-zero", "this divides by zero").at(span)),
        }
    }

    pub(super) fn negate(&mut self, inner: &Expr) -> Value {
        let value = self.value(inner);
        match self.operand("-", (value, inner.span), &Type::Number) {
            Some((value, marks)) => value
                .as_number()
                .map_or_else(|| unknown(Type::Number), |n| Value::number(n.negate()))
                .with_marks(marks),
            None => Value::unknown(Type::Dynamic),
        }
    }

    pub(super) fn not(&mut self, inner: &Expr) -> Value {
        let value = self.value(inner);
        match self.operand("!", (value, inner.span), &Type::Bool) {
            Some((value, marks)) => {
                value.as_bool().map_or_else(|| unknown(Type::Bool), |b| Value::bool(!b)).with_marks(marks)
            }
            None => Value::unknown(Type::Dynamic),
        }
    }

    /// Both branches are looked at for their types; only the one that is taken may fail.
    pub(super) fn conditional(&mut self, parts: &[Expr; 3], span: Span) -> Value {
        let [condition, then, otherwise] = parts;
        let known = self.condition(condition, "this condition");
        let (then_value, then_faults) = self.apart(then);
        let (else_value, else_faults) = self.apart(otherwise);
        let Some((known, marks)) = known else {
            self.note_all([then_faults, else_faults]);
            return Value::unknown(Type::Dynamic);
        };
        // Whether a value is sensitive must not tell which of the two was taken.
        let marks = marks.union(then_value.marks()).union(else_value.marks());
        let Some(ty) = common_type(&then_value, &else_value) else {
            return self.inconsistent((&then_value, then.span), (&else_value, otherwise.span), span);
        };
        let chosen = match known {
            Some(true) => {
                self.note_all([then_faults]);
                then_value.clone()
            }
            Some(false) => {
                self.note_all([else_faults]);
                else_value.clone()
            }
            None => {
                self.ahead(|this| this.note_all([then_faults, else_faults]));
                let marks = marks.union(then_value.marks_deep()).union(else_value.marks_deep());
                return either(&then_value, &else_value, ty).with_marks(marks);
            }
        };
        match convert(&chosen, &ty) {
            Ok(value) => value.with_marks(marks),
            Err(_) => self.inconsistent((&then_value, then.span), (&else_value, otherwise.span), span),
        }
    }

    fn note_all<const N: usize>(&mut self, faults: [Diagnostics; N]) {
        for faults in faults {
            self.diagnostics.extend(faults);
        }
    }

    fn inconsistent(&mut self, then: (&Value, Span), otherwise: (&Value, Span), span: Span) -> Value {
        self.fail(
            Diagnostic::error("inconsistent-conditional", "both results of a conditional need one type")
                .at(span)
                .see(then.1, format!("this is {}", describe_type(&then.0.ty())))
                .see(otherwise.1, format!("this is {}", describe_type(&otherwise.0.ty())))
                .hint("make both of one type, with `null` for none"),
        )
    }
}

/// Unknown, and certainly not null, unless even the type is not known: then nothing is said.
pub(super) fn unknown(ty: Type) -> Value {
    let not_null = ty != Type::Dynamic;
    Value::refined(ty, Refinements { not_null, ..Refinements::default() })
}

/// How two numbers compare of which one or both are unknown, if their bounds tell.
fn compared(operator: Operator, a: &Value, b: &Value) -> Option<bool> {
    let (a, b) = (certain(a, &Type::Number), certain(b, &Type::Number));
    let below = |low: &Refinements, high: &Refinements| {
        low.maximum.as_ref().zip(high.minimum.as_ref()).is_some_and(|(l, h)| l.number < h.number)
    };
    let (less, greater) = (below(&a, &b), below(&b, &a));
    if !less && !greater {
        return None;
    }
    Some(match operator {
        Operator::Less | Operator::LessEqual => less,
        _ => greater,
    })
}

fn logic(operator: Operator, a: &Value, b: &Value) -> Value {
    match (a.as_bool(), b.as_bool()) {
        (Some(a), Some(b)) => Value::bool(if operator == Operator::Or { a || b } else { a && b }),
        _ => unknown(Type::Bool),
    }
}

/// The type of a conditional's result; `Dynamic` where a branch's type is not known yet, so that nothing is converted.
fn common_type(a: &Value, b: &Value) -> Option<Type> {
    let (a_type, b_type) = (a.ty(), b.ty());
    match (&a_type, &b_type) {
        (Type::Dynamic, _) if a.is_null() => Some(b_type),
        (_, Type::Dynamic) if b.is_null() => Some(a_type),
        (Type::Dynamic, _) | (_, Type::Dynamic) => Some(Type::Dynamic),
        _ => unify(&[a_type, b_type]),
    }
}

/// One of two values: what is certain about both is certain about it.
fn either(a: &Value, b: &Value, ty: Type) -> Value {
    let (a, b) = (certain(a, &ty), certain(b, &ty));
    let refinements = Refinements {
        not_null: a.not_null && b.not_null,
        // Terraform drops what is certain about texts here, and a plan shows the difference.
        prefix: None,
        minimum: pick(a.minimum, b.minimum, |a, b| {
            (a.number < b.number) || (a.number == b.number && a.inclusive)
        }),
        maximum: pick(a.maximum, b.maximum, |a, b| {
            (a.number > b.number) || (a.number == b.number && a.inclusive)
        }),
        length_min: a.length_min.zip(b.length_min).map(|(a, b)| a.min(b)),
        length_max: a.length_max.zip(b.length_max).map(|(a, b)| a.max(b)),
    };
    Value::refined(ty, refinements)
}

/// What is certain about a value once it has been converted.
fn certain(value: &Value, ty: &Type) -> Refinements {
    let Ok(value) = convert(value, ty) else { return Refinements::default() };
    let exactly = |n: &Number| Some(Bound { number: n.clone(), inclusive: true });
    match value.kind() {
        Kind::Unknown(u) => u.refinements.clone(),
        Kind::Null(_) => Refinements::default(),
        Kind::Number(n) => {
            Refinements { not_null: true, minimum: exactly(n), maximum: exactly(n), ..Refinements::default() }
        }
        Kind::List(..) | Kind::Set(..) | Kind::Map(..) => {
            let length = value.length().map(|l| l as u64);
            Refinements { not_null: true, length_min: length, length_max: length, ..Refinements::default() }
        }
        Kind::Bool(_) | Kind::String(_) | Kind::Tuple(_) | Kind::Object(_) => {
            Refinements { not_null: true, ..Refinements::default() }
        }
    }
}

fn pick(a: Option<Bound>, b: Option<Bound>, first: impl Fn(&Bound, &Bound) -> bool) -> Option<Bound> {
    let (a, b) = (a?, b?);
    Some(if first(&a, &b) { a } else { b })
}
