//! From blocks to declarations, kind by kind: what is not evaluated is taken out of a body, and the rest is resolved.

mod check;
mod dependencies;
mod lifecycle;
mod module;
mod moved;
mod output;
mod provider;
mod provisioner;
mod removed;
mod resource;
mod service;
mod settings;
pub(super) mod stack;
mod variable;

use diag::{Diagnostic, Span};
use value::{Type, Value, convert};

pub(super) use resource::name_of;

use super::collect::Collector;
use super::declaration::Condition;
use super::environment::take;
use super::scope::ConstantScope;
use crate::eval::{describe_type, describe_value, evaluate};
use crate::resolve::{Allowed, Reference, Resolved, Resolver, WITHOUT_SELF, alone};
use crate::schema::{self, locate};
use crate::syntax::{Block, Body, Expr, ExprKind};

/// The arguments of a call of a module, as messages name them.
const CALL: &str = "this module call";

/// Whether a fault is that there is no `each` or `count`.
fn is_repetition(fault: &Diagnostic) -> bool {
    fault.code == "reference-not-allowed"
        && fault.summary.as_deref().is_some_and(|it| it.starts_with("Reference to"))
}

/// What was told of a value that cannot be had.
#[derive(Clone, Copy, PartialEq)]
enum Told {
    /// That it is of the wrong type.
    Type,
    /// Something else.
    Other,
}

/// What the names in an expression mean.
struct Found {
    references: Vec<Reference>,
    /// Whether each of them means something.
    are_found: bool,
    /// Whether there is any, wrong or right.
    refers: bool,
}

impl Collector<'_> {
    pub(super) fn resolve(&mut self, body: &mut Body, allowed: Allowed, bound: &[&str]) -> Vec<Reference> {
        let mut resolver = Resolver::new(&self.configuration.names, allowed, bound).noting(&mut self.uses);
        resolver.body(body);
        let resolved = resolver.finish();
        self.told(resolved, allowed).references
    }

    pub(super) fn resolve_expr(
        &mut self,
        expr: &mut Expr,
        allowed: Allowed,
        bound: &[&str],
    ) -> Vec<Reference> {
        self.resolve_names(expr, allowed, bound).references
    }

    /// The same, with whether every name was found.
    fn resolve_names(&mut self, expr: &mut Expr, allowed: Allowed, bound: &[&str]) -> Found {
        let mut resolver = Resolver::new(&self.configuration.names, allowed, bound).noting(&mut self.uses);
        resolver.expr(expr);
        let resolved = resolver.finish();
        self.told(resolved, allowed)
    }

    /// Tells what is wrong with names. Where only constants may stand, any name is a fault of the block; elsewhere the block is right,
    /// and what is named is not there.
    fn told(&mut self, resolved: Resolved, allowed: Allowed) -> Found {
        let Resolved { references, diagnostics } = resolved;
        let are_found = diagnostics.is_empty();
        let is_function =
            |fault: &Diagnostic| matches!(fault.code.as_ref(), "unknown-function" | "function-not-allowed");
        let refers = !references.is_empty() || diagnostics.0.iter().any(|fault| !is_function(fault));
        for fault in diagnostics {
            let is_of_block = allowed.is_constant() && fault.code != "unknown-function";
            if is_of_block {
                let is_late = allowed.place.contains("is removed");
                self.faults.push(match is_function(&fault) {
                    true => fault,
                    false if is_late => fault.summary("Invalid reference from destroy provisioner"),
                    false => fault.summary("Variables not allowed"),
                });
            } else if allowed.place == CALL && is_repetition(&fault) {
                // What a call gives is worked out for its instances, which are known only then.
                self.planning.push(fault);
            } else {
                self.references.extend(self.nameless(&fault));
                self.references.push(fault);
            }
        }
        Found { references, are_found, refers }
    }

    /// Terraform looks for a variable or local without a name, too, where only the root stands.
    fn nameless(&self, fault: &Diagnostic) -> Option<Diagnostic> {
        let place = fault.span.filter(|_| self.is_module && fault.code == "incomplete-reference")?;
        let (root, noun, summary) = [
            ("var", "variable", "Reference to undeclared input variable"),
            ("local", "local", "Reference to undeclared local value"),
        ]
        .into_iter()
        .find(|(root, ..)| alone(root, place).message == fault.message)?;
        let message = format!("there is no {noun} without a name");
        Some(Diagnostic::error("undeclared", message).summary(summary).about(root))
    }

    /// What only constants may stand in. Terraform reads its own arguments before any function can be called.
    pub(super) fn constants(&self, place: &'static str) -> Allowed {
        Allowed { without_functions: self.is_module, ..Allowed::constant(place) }
    }

    /// The value of an argument that the language itself reads; `None` after a fault. It is never null.
    pub(super) fn constant(&mut self, expr: Expr, ty: &Type, name: &'static str) -> Option<Value> {
        let span = expr.span;
        match self.written(expr, ty, name) {
            Ok(value) => Some(value),
            Err(told) => {
                if told == Told::Other {
                    self.unsuitable(span, name, ty);
                }
                None
            }
        }
    }

    /// The same; what is wrong with it is told once.
    fn written(&mut self, mut expr: Expr, ty: &Type, name: &'static str) -> Result<Value, Told> {
        if matches!(expr.kind, ExprKind::Broken) {
            return Err(Told::Other);
        }
        let allowed = self.constants(name);
        if !self.resolve_names(&mut expr, allowed, &[]).are_found {
            return Err(Told::Other);
        }
        let project = self.configuration.project.name.clone();
        let scope = ConstantScope { files: self.files, project: &project, environment: None };
        let value = match evaluate(&expr, &scope) {
            Ok(value) => value,
            Err(faults) => {
                self.faults.extend(faults);
                return Err(Told::Other);
            }
        };
        match convert(&value, ty) {
            Ok(value) if value.is_known() && !value.is_null() => Ok(value),
            converted => {
                let place = converted.err().map_or(expr.span, |error| locate(&expr, &error.path));
                self.faults.push(
                    Diagnostic::error("wrong-type", format!("`{name}` has to be {}", describe_type(ty)))
                        .summary("Unsuitable value type")
                        .at(place)
                        .label(format!("this is {}", describe_value(&value))),
                );
                Err(Told::Type)
            }
        }
    }

    /// What stands in the place of a value that the language reads is none: Terraform tells this beside the reason.
    pub(super) fn unsuitable(&mut self, span: Span, name: &str, ty: &Type) {
        if self.is_module {
            let ty = describe_type(ty);
            self.faults.push(
                Diagnostic::error(
                    "unsuitable-value",
                    format!("`{name}` needs {ty} that is known before anything else"),
                )
                .at(span)
                .hint("write the value itself"),
            );
        }
    }

    /// Settings of a block that a schema describes: what is not known, and null, is no value of theirs.
    pub(super) fn suitable(&mut self, body: &Body, schema: &schema::Block, scope: &ConstantScope<'_>) {
        for attribute in &body.attributes {
            let name = &attribute.name.name;
            let known = schema.attribute(name).filter(|known| known.ty != Type::Dynamic);
            let is_none = |value: Value| !value.is_known() || value.is_null();
            if let Some(known) = known.filter(|_| evaluate(&attribute.expr, scope).is_ok_and(is_none)) {
                self.unsuitable(attribute.expr.span, name, &known.ty);
            }
        }
    }

    /// A flag that the language itself reads.
    pub(super) fn flag(&mut self, expr: Expr, name: &'static str) -> Option<bool> {
        self.constant(expr, &Type::Bool, name)?.as_bool()
    }

    /// A text that the language itself reads.
    pub(super) fn text(&mut self, expr: Expr, name: &'static str) -> Option<std::sync::Arc<str>> {
        let value = self.constant(expr, &Type::String, name)?;
        value.as_str().map(std::sync::Arc::from)
    }

    /// In a condition, `self` where there is none is no name either, which Terraform tells beside it.
    fn unknown_self(&mut self, before: usize) {
        let is_self = |fault: &&Diagnostic| fault.summary.as_deref() == Some(WITHOUT_SELF);
        let more: Vec<Diagnostic> = self.references.0[before..]
            .iter()
            .filter(is_self)
            .filter(|_| self.is_module)
            .filter_map(|fault| {
                let unknown = Diagnostic::error("unknown-name", "nothing is called `self` here");
                Some(unknown.summary("Unknown variable").at(fault.span?))
            })
            .collect();
        self.references.extend(more);
    }

    /// Takes the conditions out of the blocks of a kind, resolved.
    pub(super) fn conditions(&mut self, body: &mut Body, kind: &'static str, allowed: Allowed) -> Conditions {
        let (blocks, rest): (Vec<Block>, Vec<Block>) =
            std::mem::take(&mut body.blocks).into_iter().partition(|b| b.kind.name.as_ref() == kind);
        body.blocks = rest;
        let mut found = Conditions::default();
        for mut block in blocks {
            let header = block.place();
            self.labels(&block, kind, []);
            let before = self.faults.0.len();
            let condition =
                self.condition_part(&mut block.body, "condition", kind, header, allowed, &mut found);
            let message =
                self.condition_part(&mut block.body, "error_message", kind, header, allowed, &mut found);
            self.only(&block.body, kind, &["condition", "error_message"], &[]);
            let was_constant = self.faults.0.len() > before;
            if let (Some(condition), Some(message)) = (condition, message) {
                found.good += usize::from(!was_constant);
                found.list.push(Condition { condition, message });
            }
        }
        once(&mut found.references);
        found
    }

    fn condition_part(
        &mut self,
        body: &mut Body,
        key: &'static str,
        kind: &str,
        header: Span,
        allowed: Allowed,
        found: &mut Conditions,
    ) -> Option<Expr> {
        let Some(mut expr) = take(body, key) else {
            self.missing(key, kind, header);
            return None;
        };
        let is_read = self.is_module || !matches!(expr.kind, ExprKind::Broken);
        let before = self.references.0.len();
        let Found { references, are_found, refers } = self.resolve_names(&mut expr, allowed, &[]);
        self.unknown_self(before);
        let is_constant = !refers && (self.is_module || are_found);
        if key == "condition" && is_constant && is_read {
            self.faults.push(
                Diagnostic::error("constant-condition", "this condition refers to nothing")
                    .summary(format!("Invalid {kind} expression"))
                    .at(expr.span)
                    .because("so that it would always hold, or never")
                    .hint("refer to what has to be checked"),
            );
        }
        found.references.extend_from_slice(&references);
        if is_read {
            found.parts.push(Part { span: expr.span, is_condition: key == "condition", references, refers });
        }
        Some(expr)
    }
}

/// The conditions of a block.
#[derive(Default)]
pub(super) struct Conditions {
    pub list: Vec<Condition>,
    /// How many of them have no fault.
    pub good: usize,
    /// What all of them refer to.
    pub references: Vec<Reference>,
    /// The expressions that could be read.
    pub parts: Vec<Part>,
}

/// An expression of a condition.
pub(super) struct Part {
    pub span: Span,
    /// Whether it is the condition; otherwise it is the message.
    pub is_condition: bool,
    pub references: Vec<Reference>,
    /// Whether it names anything, wrong or right.
    pub refers: bool,
}

/// Each once, in order.
fn once(references: &mut Vec<Reference>) {
    references.sort_unstable();
    references.dedup();
    references.shrink_to_fit();
}
