//! Walks expressions and bodies once and replaces names by what they mean.

use std::collections::BTreeSet;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Span};

use super::names::{Allowed, Names};
use super::reference::Reference;
use crate::functions;
use crate::syntax::{Body, Expr, ExprKind, For, Identifier, Part, Step};

/// Roots that name something, for "did you mean".
const ROOTS: [&str; 12] = [
    "var",
    "local",
    "service",
    "image",
    "each",
    "count",
    "self",
    "path",
    "environment",
    "project",
    "cluster",
    "terraform",
];

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
    names: &'a Names,
    allowed: Allowed,
    bound: Vec<Arc<str>>,
    references: BTreeSet<Reference>,
    diagnostics: Diagnostics,
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
        }
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
                expr.kind = self.root(&name, span, None, span).unwrap_or(ExprKind::Broken);
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
            let first = steps.first();
            let text = match first {
                Some(Step::Attribute(attribute)) => Some(attribute.name.clone()),
                Some(Step::Index(Expr { kind: ExprKind::Literal(value), .. }, _))
                    if name.as_ref() == "image" =>
                {
                    value.as_str().map(Arc::from)
                }
                _ => None,
            };
            let named = first.map_or(root, |step| root.to(step.span()));
            let is_bound = self.bound.contains(&name);
            let whole = is_bound || name.as_ref() == "self";
            match self.root(&name, root, text.as_deref(), named) {
                Some(kind) => {
                    source.kind = kind;
                    if !whole {
                        source.span = named;
                        steps.remove(0);
                    }
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

    /// What a root and the name after it mean; `None` after a fault.
    fn root(&mut self, root: &Arc<str>, span: Span, name: Option<&str>, named: Span) -> Option<ExprKind> {
        if let Some(slot) = self.bound.iter().rposition(|bound| bound == root) {
            return Some(ExprKind::Reference(Reference::Slot(u32::try_from(slot).unwrap_or(u32::MAX))));
        }
        if !ROOTS.contains(&root.as_ref()) {
            self.unknown_root(root, span, name);
            return None;
        }
        if !self.permitted(root) {
            self.not_permitted(root, named);
            return None;
        }
        let Some(name) = name else {
            if root.as_ref() == "self" {
                self.references.insert(Reference::SelfObject);
                return Some(ExprKind::Reference(Reference::SelfObject));
            }
            let example = match root.as_ref() {
                "each" => "each.key",
                "count" => "count.index",
                "path" => "path.module",
                "terraform" => "terraform.workspace",
                "environment" | "project" | "cluster" => "",
                _ => "x",
            };
            let hint = match example {
                "" => format!("write `{root}.name`"),
                "x" => format!("write `{root}.` and the name of what is meant"),
                example => format!("write `{example}`"),
            };
            self.diagnostics.push(
                Diagnostic::error("incomplete-reference", format!("`{root}` alone is no value"))
                    .at(span)
                    .hint(hint),
            );
            return None;
        };
        let reference = match (root.as_ref(), name) {
            ("self", _) => Some(Reference::SelfObject),
            ("each", "key") => Some(Reference::EachKey),
            ("each", "value") => Some(Reference::EachValue),
            ("count", "index") => Some(Reference::CountIndex),
            ("path", "module") => Some(Reference::PathModule),
            ("path", "root") => Some(Reference::PathRoot),
            ("path", "cwd") => Some(Reference::PathCwd),
            ("environment", "name") => Some(Reference::EnvironmentName),
            ("project", "name") => Some(Reference::ProjectName),
            ("cluster", "name") => Some(Reference::ClusterName),
            ("terraform", "workspace") => Some(Reference::Workspace),
            _ => self.names.declared(root, name),
        };
        match reference {
            Some(reference) => {
                self.references.insert(reference);
                Some(ExprKind::Reference(reference))
            }
            None => {
                self.undeclared(root, name, named);
                None
            }
        }
    }

    fn permitted(&self, root: &str) -> bool {
        match root {
            "var" => self.allowed.variables,
            "local" => self.allowed.locals,
            "service" => self.allowed.services,
            "image" => self.allowed.images,
            "cluster" => self.allowed.cluster,
            "each" => self.allowed.each,
            "count" => self.allowed.count,
            "self" => self.allowed.own,
            _ => true,
        }
    }

    fn not_permitted(&mut self, root: &str, span: Span) {
        let place = self.allowed.place;
        let fault = Diagnostic::error("reference-not-allowed", format!("`{root}` cannot be used in {place}"))
            .at(span);
        let fault = match root {
            "each" if self.allowed.services => fault.hint("`each` exists where the block has `for_each`"),
            "count" if self.allowed.services => fault.hint("`count` exists where the block has `count`"),
            "var" | "local" | "service" | "image" if !self.allowed.variables => {
                fault.hint("only values that need nothing else can stand here")
            }
            "service" if self.allowed.variables => fault.hint("it is worked out before any service runs"),
            "cluster" => {
                fault.hint("`cluster` exists in services, each of which runs in one cluster or several")
            }
            _ => fault,
        };
        self.diagnostics.push(fault);
    }

    fn undeclared(&mut self, root: &str, name: &str, span: Span) {
        let fixed: &[&str] = match root {
            "each" => &["key", "value"],
            "count" => &["index"],
            "path" => &["module", "root", "cwd"],
            "environment" | "project" | "cluster" => &["name"],
            "terraform" => &["workspace"],
            _ => &[],
        };
        let fault = if fixed.is_empty() {
            let (noun, declare) = match root {
                "var" => ("variable", format!("declare it with `variable \"{name}\" {{}}`")),
                "local" => ("local", format!("declare it with `locals {{ {name} = … }}`")),
                other => (other, format!("declare it with `{root} \"{name}\" {{ … }}`")),
            };
            let fault = Diagnostic::error("undeclared", format!("there is no {noun} `{name}`")).at(span);
            match self.names.closest(root, name) {
                Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                None => fault.hint(declare),
            }
        } else {
            let fault =
                Diagnostic::error("undeclared", format!("`{root}` has no attribute `{name}`")).at(span);
            let all: Vec<String> = fixed.iter().map(|f| format!("`{root}.{f}`")).collect();
            fault.hint(format!("there is {}", all.join(", ")))
        };
        self.diagnostics.push(fault);
    }

    fn unknown_root(&mut self, root: &str, span: Span, name: Option<&str>) {
        let fault = Diagnostic::error("unknown-name", format!("nothing is called `{root}` here")).at(span);
        let fault = match root {
            "data" | "module" | "resource" | "ephemeral" => {
                fault.because(format!("Terraform's `{root}` is not supported yet"))
            }
            "env" => fault.hint("the environment's name is `environment.name`"),
            _ => match self.meant(root, name) {
                Some(meant) => fault.hint(meant),
                None => fault,
            },
        };
        self.diagnostics.push(fault);
    }

    /// What an unknown root may have been meant as.
    fn meant(&self, root: &str, name: Option<&str>) -> Option<String> {
        let bound = self.bound.iter().map(AsRef::as_ref);
        if let Some(meant) = diag::closest(root, bound.chain(ROOTS)) {
            return Some(format!("did you mean `{meant}`?"));
        }
        let plural = root.strip_suffix('s').filter(|single| ROOTS.contains(single));
        let plural = plural.or((root == "variable").then_some("var"));
        if let (Some(single), Some(name)) = (plural, name) {
            return Some(format!("did you mean `{single}.{name}`?"));
        }
        if name.is_none() {
            let found = ["var", "local", "service", "image"]
                .into_iter()
                .find(|kind| self.names.declared(kind, root).is_some() && self.permitted(kind));
            return Some(match found {
                Some(kind) => format!("did you mean `{kind}.{root}`?"),
                None => format!("for text, write it between quotes: `\"{root}\"`"),
            });
        }
        None
    }

    /// Whether there is such a function here; if not, that is a fault.
    fn function(&mut self, name: &Identifier) -> bool {
        let plain = name.name.strip_prefix("core::").unwrap_or(&name.name);
        if functions::is_random(plain) && !self.allowed.random {
            self.diagnostics.push(
                Diagnostic::error(
                    "function-not-allowed",
                    format!("`{plain}` cannot be called in {}", self.allowed.place),
                )
                .at(name.span)
                .because("it has a value only at an apply, and this is needed before")
                .hint("call it in a service, a local or an output, or give the value in as a variable"),
            );
            return false;
        }
        if matches!(plain, "try" | "can") || functions::signature(plain).is_some() {
            return true;
        }
        let fault = Diagnostic::error("unknown-function", format!("there is no function `{}`", name.name))
            .at(name.span);
        let fault = if plain.starts_with("provider::") {
            fault.because("functions of providers are not supported yet")
        } else {
            match plain {
                "timestamp" | "plantimestamp" => fault
                    .because("it reads the clock, so that no plan would be the same twice")
                    .hint("give the value in as a variable"),
                _ => match diag::closest(plain, functions::names().chain(["try", "can"])) {
                    Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                    None => fault,
                },
            }
        };
        self.diagnostics.push(fault);
        false
    }
}
