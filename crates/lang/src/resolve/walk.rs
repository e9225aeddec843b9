//! Walks expressions and bodies once and replaces names by what they mean.

use std::collections::BTreeSet;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};

use super::names::{Allowed, Names};
use super::reference::Reference;
use super::uses::Uses;
use crate::syntax::{Body, Expr, ExprKind, For, Identifier, Part, Step};

/// What the walks over some expressions found.
#[derive(Debug, Default)]
pub struct Resolved {
    /// What they refer to, slots left out, ordered, each once.
    pub references: Vec<Reference>,
    /// The faults.
    pub diagnostics: Diagnostics,
}

/// Replaces names in the expressions of one place.
#[derive(Debug)]
pub struct Resolver<'a> {
    pub(super) names: &'a Names,
    pub(super) allowed: Allowed,
    pub(super) bound: Vec<Arc<str>>,
    pub(super) references: BTreeSet<Reference>,
    pub(super) diagnostics: Diagnostics,
    /// What is used of modules and providers; without it, `module.x.y` refers to the whole module.
    pub(super) uses: Option<&'a mut Uses>,
}

impl<'a> Resolver<'a> {
    /// For a place in which `bound` are names of their own, slots from 0 on.
    #[must_use]
    pub fn new(names: &'a Names, allowed: Allowed, bound: &[&str]) -> Self {
        Self {
            names,
            allowed,
            bound: bound.iter().map(|name| Arc::from(*name)).collect(),
            references: BTreeSet::new(),
            diagnostics: Diagnostics::default(),
            uses: None,
        }
    }

    /// The same, with what is used of modules and providers noted.
    #[must_use]
    pub fn noting(self, uses: &'a mut Uses) -> Self {
        Self { uses: Some(uses), ..self }
    }

    /// What was found.
    #[must_use]
    pub fn finish(self) -> Resolved {
        Resolved { references: self.references.into_iter().collect(), diagnostics: self.diagnostics }
    }

    /// Notes a reference that stands outside of an expression.
    pub fn note(&mut self, reference: Reference) {
        self.references.insert(reference);
    }

    /// Resolves a body, `dynamic` blocks included.
    pub fn body(&mut self, body: &mut Body) {
        for attribute in &mut body.attributes {
            self.expr(&mut attribute.expr);
        }
        for block in &mut body.blocks {
            if block.kind.name.as_ref() == "dynamic" {
                self.dynamic(block);
            } else {
                self.body(&mut block.body);
            }
        }
    }

    fn dynamic(&mut self, block: &mut crate::syntax::Block) {
        let mut iterator = block.labels.first().map(|l| l.name.clone());
        for attribute in &mut block.body.attributes {
            match attribute.name.name.as_ref() {
                "for_each" => self.expr(&mut attribute.expr),
                "iterator" => {
                    if let ExprKind::Name(name) = &attribute.expr.kind {
                        iterator = Some(name.clone());
                    } else {
                        self.diagnostics.push(
                            Diagnostic::error(
                                "invalid-iterator",
                                "the iterator of a `dynamic` block is a bare name",
                            )
                            .at(attribute.expr.span)
                            .hint("write it without quotes or dots: `iterator = port`"),
                        );
                    }
                }
                _ => {}
            }
        }
        let Some(iterator) = iterator else { return };
        self.bound.push(iterator);
        for attribute in &mut block.body.attributes {
            if !matches!(attribute.name.name.as_ref(), "for_each" | "iterator") {
                self.expr(&mut attribute.expr);
            }
        }
        for inner in &mut block.body.blocks {
            self.body(&mut inner.body);
        }
        self.bound.pop();
    }

    /// Resolves an expression in place.
    pub fn expr(&mut self, expr: &mut Expr) {
        let span = expr.span;
        match &mut expr.kind {
            ExprKind::Literal(_) | ExprKind::Reference(_) | ExprKind::Broken => {}
            ExprKind::Name(name) => {
                let name = name.clone();
                expr.kind = match self.look_up(&name, span, &[]) {
                    Some(found) => ExprKind::Reference(found.reference),
                    None => ExprKind::Broken,
                };
            }
            ExprKind::Traversal(..) => self.traversal(expr),
            ExprKind::Wrap(inner)
            | ExprKind::Parens(inner)
            | ExprKind::Negate(inner)
            | ExprKind::Not(inner) => {
                self.expr(inner);
            }
            ExprKind::Template(parts) => self.parts(parts),
            ExprKind::Tuple(elements) => elements.iter_mut().for_each(|e| self.expr(e)),
            ExprKind::Object(items) => {
                for item in items {
                    self.expr(&mut item.key);
                    self.expr(&mut item.value);
                }
            }
            ExprKind::Call(call) => {
                let known = self.function(&call.name);
                call.arguments.iter_mut().for_each(|e| self.expr(e));
                if !known {
                    expr.kind = ExprKind::Broken;
                }
            }
            ExprKind::Conditional(parts) => parts.iter_mut().for_each(|e| self.expr(e)),
            ExprKind::Binary(first, rest) => {
                self.expr(first);
                rest.iter_mut().for_each(|(_, e)| self.expr(e));
            }
            ExprKind::For(for_) => self.for_expression(for_),
        }
    }

    fn parts(&mut self, parts: &mut [Part]) {
        for part in parts {
            match part {
                Part::Text(_) => {}
                Part::Value(expr) => self.expr(expr),
                Part::If { condition, then, otherwise } => {
                    self.expr(condition);
                    self.parts(then);
                    self.parts(otherwise);
                }
                Part::For { key_name, value_name, collection, body } => {
                    self.expr(collection);
                    let before = self.bound.len();
                    self.bind(key_name.as_ref(), value_name);
                    self.parts(body);
                    self.bound.truncate(before);
                }
            }
        }
    }

    fn for_expression(&mut self, for_: &mut For) {
        self.expr(&mut for_.collection);
        let before = self.bound.len();
        self.bind(for_.key_name.as_ref(), &for_.value_name);
        for expr in for_.key.iter_mut().chain([&mut for_.value]).chain(for_.condition.iter_mut()) {
            self.expr(expr);
        }
        self.bound.truncate(before);
    }

    fn bind(&mut self, key: Option<&Identifier>, value: &Identifier) {
        self.bound.extend(key.map(|k| k.name.clone()));
        self.bound.push(value.name.clone());
    }

    fn traversal(&mut self, expr: &mut Expr) {
        let span = expr.span;
        let ExprKind::Traversal(source, steps) = &mut expr.kind else { return };
        let mut broken = false;
        if let ExprKind::Name(name) = &source.kind {
            let (name, root) = (name.clone(), source.span);
            match self.look_up(&name, root, steps) {
                Some(found) => {
                    source.kind = ExprKind::Reference(found.reference);
                    if let Some(last) = found.taken.checked_sub(1).and_then(|last| steps.get(last)) {
                        source.span = root.to(last.span());
                    }
                    steps.drain(..found.taken);
                }
                None => broken = true,
            }
        } else {
            self.expr(source);
        }
        self.steps(steps);
        if broken {
            expr.kind = ExprKind::Broken;
        } else if steps.is_empty() {
            let kind = std::mem::replace(&mut source.kind, ExprKind::Broken);
            *expr = Expr { kind, span };
        }
    }

    fn steps(&mut self, steps: &mut [Step]) {
        for step in steps {
            match step {
                Step::Index(key, _) => self.expr(key),
                Step::Splat { steps, .. } => self.steps(steps),
                Step::Attribute(_) | Step::LegacyIndex(..) => {}
            }
        }
    }
}
