//! Templates of several parts: always a string.

use diag::Diagnostic;
use value::{Kind, Marks, Refinements, Type, Value, convert};

use super::{Evaluator, certain_prefix, describe_type};
use crate::syntax::{Expr, Part};

/// A template as far as it has been put together.
#[derive(Default)]
struct Text {
    known: String,
    /// Whether something unknown has come: what follows is no prefix any more.
    unknown: bool,
    marks: Marks,
}

impl Text {
    fn push(&mut self, text: &str) {
        if !self.unknown {
            self.known.push_str(text);
        }
    }
}

impl Evaluator<'_> {
    pub(super) fn template(&mut self, parts: &[Part]) -> Value {
        let mut text = Text::default();
        self.parts(parts, &mut text);
        let value = if text.unknown {
            let prefix = certain_prefix(&text.known);
            Value::refined(Type::String, Refinements { not_null: true, prefix, ..Refinements::default() })
        } else {
            Value::string(text.known)
        };
        value.with_marks(text.marks)
    }

    fn parts(&mut self, parts: &[Part], text: &mut Text) {
        for part in parts {
            match part {
                Part::Text(literal) => text.push(literal),
                Part::Value(expr) => self.interpolate(expr, text),
                Part::If { condition, then, otherwise } => {
                    let Some((known, marks)) = self.condition(condition, "the condition of this `if`") else {
                        text.unknown = true;
                        continue;
                    };
                    text.marks = text.marks.union(marks);
                    match known {
                        Some(true) => self.parts(then, text),
                        Some(false) => self.parts(otherwise, text),
                        None => {
                            text.unknown = true;
                            self.ahead(|this| {
                                this.parts(then, text);
                                this.parts(otherwise, text);
                            });
                        }
                    }
                }
                Part::For { key_name, value_name: _, collection, body } => {
                    let Some((elements, marks)) = self.iterate(collection) else {
                        text.unknown = true;
                        continue;
                    };
                    text.marks = text.marks.union(marks);
                    let elements = match elements {
                        Ok(elements) => elements,
                        Err([key, value]) => {
                            text.unknown = true;
                            let (key, value) = (Value::unknown(key), Value::unknown(value));
                            self.ahead(|this| {
                                this.bound(key_name.as_ref(), key, value, |this| this.parts(body, text));
                            });
                            continue;
                        }
                    };
                    for (key, value) in elements {
                        let faults = self.diagnostics.0.len();
                        self.bound(key_name.as_ref(), key, value, |this| this.parts(body, text));
                        if self.diagnostics.0.len() > faults {
                            break;
                        }
                    }
                }
            }
        }
    }

    fn interpolate(&mut self, expr: &Expr, text: &mut Text) {
        let (value, marks) = self.value(expr).unmark();
        text.marks = text.marks.union(marks);
        if value.is_null() {
            text.unknown = true;
            self.fail(
                Diagnostic::error("null-in-template", "null cannot be put into text")
                    .at(expr.span)
                    .label("this is null")
                    .hint("give it a value where it is null: `coalesce(…, \"\")`"),
            );
            return;
        }
        match convert(&value, &Type::String) {
            Ok(part) => match part.kind() {
                Kind::String(s) => text.push(s),
                Kind::Unknown(u) => {
                    if let Some(prefix) = &u.refinements.prefix {
                        text.push(prefix);
                    }
                    text.unknown = true;
                }
                _ => {}
            },
            Err(_) => {
                text.unknown = true;
                self.fail(
                    Diagnostic::error("not-text", "only strings, numbers and bools can be put into text")
                        .at(expr.span)
                        .label(format!("this is {}", describe_type(&value.ty())))
                        .hint("use `join(\", \", …)` for a list, `jsonencode(…)` for anything"),
                );
            }
        }
    }
}
