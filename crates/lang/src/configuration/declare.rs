//! From blocks to declarations, kind by kind: what is not evaluated is taken out of a body, and the rest is resolved.

use std::sync::Arc;

use diag::Diagnostic;
use value::{Type, Value};

use super::collect::Collector;
use super::declaration::{Condition, Dependency, Image, Local, Output, Seed, Service, Variable};
use super::environment::{self, Environment, take};
use super::scope::ConstantScope;
use super::variables::default_value;
use crate::blocks;
use crate::eval::type_constraint;
use crate::resolve::{Allowed, Reference, Resolver, ServiceId};
use crate::schema::decode;
use crate::syntax::{Block, Body, Expr, ExprKind, Identifier, Step};

impl Collector<'_> {
    pub(super) fn resolve(&mut self, body: &mut Body, allowed: Allowed, bound: &[&str]) -> Vec<Reference> {
        let mut resolver = Resolver::new(&self.configuration.names, allowed, bound);
        resolver.body(body);
        let resolved = resolver.finish();
        self.faults.extend(resolved.diagnostics);
        resolved.references
    }

    pub(super) fn resolve_expr(
        &mut self,
        expr: &mut Expr,
        allowed: Allowed,
        bound: &[&str],
    ) -> Vec<Reference> {
        let mut resolver = Resolver::new(&self.configuration.names, allowed, bound);
        resolver.expr(expr);
        let resolved = resolver.finish();
        self.faults.extend(resolved.diagnostics);
        resolved.references
    }

    pub(super) fn variable(&mut self, name: Identifier, mut block: Block) {
        let header = block.header();
        let ty_expr = block.body.attribute("type").map(|a| a.expr.clone());
        let default_expr = block.body.attribute("default").map(|a| a.expr.clone());
        // A type's words are no references, and so are kept from the resolver.
        for attribute in &mut block.body.attributes {
            // Nor is anything that is said under a name that is not known.
            if matches!(attribute.name.name.as_ref(), "type" | "default")
                || blocks::VARIABLE.attribute(&attribute.name.name).is_none()
            {
                attribute.expr.kind = ExprKind::Broken;
            }
        }
        let (validations, references) =
            self.conditions(&mut block.body, "validation", Allowed::values("a validation"));
        self.resolve(&mut block.body, Allowed::constant("a variable"), &[]);
        let files = self.files;
        let project = self.configuration.project.name.clone();
        let scope = ConstantScope { files, project: &project, environment: None };
        let what = format!("variable \"{}\"", name.name);
        let decoded = decode(&block.body, header, &what, &blocks::VARIABLE, &[], &scope);
        self.faults.extend(decoded.diagnostics);
        let flag = |key: &str, otherwise: bool| {
            decoded.value.get(key).and_then(|v| v.as_bool()).unwrap_or(otherwise)
        };
        let nullable = flag("nullable", true);
        let ty = ty_expr.map_or(Type::Dynamic, |expr| {
            type_constraint(&expr, &scope).unwrap_or_else(|faults| {
                self.faults.extend(faults);
                Type::Dynamic
            })
        });
        let default = default_expr.map(|mut expr| {
            let before = self.faults.0.len();
            self.resolve_expr(&mut expr, Allowed::constant("the default of a variable"), &[]);
            if self.faults.0.len() > before {
                return Value::unknown(ty.without_optional());
            }
            default_value(&name.name, &ty, nullable, &expr, &scope).unwrap_or_else(|faults| {
                self.faults.extend(faults);
                Value::unknown(ty.without_optional())
            })
        });
        let description = decoded.value.get("description").and_then(|v| v.as_str().map(str::to_owned));
        self.configuration.variables.push(Variable {
            sensitive: flag("sensitive", false),
            ephemeral: flag("ephemeral", false),
            name,
            ty,
            default,
            description,
            nullable,
            validations,
            header,
            references,
        });
    }

    /// Takes the conditions out of the blocks of a type, resolved.
    pub(super) fn conditions(
        &mut self,
        body: &mut Body,
        kind: &str,
        allowed: Allowed,
    ) -> (Vec<Condition>, Vec<Reference>) {
        let mut conditions = Vec::new();
        let mut references = Vec::new();
        for block in body.blocks.iter_mut().filter(|b| b.kind.name.as_ref() == kind) {
            let header = block.header();
            let mut part = |this: &mut Self, key: &str| {
                let Some(attribute) = block.body.attributes.iter_mut().find(|a| a.name.name.as_ref() == key)
                else {
                    this.faults.push(
                        Diagnostic::error("missing-attribute", format!("`{kind}` needs `{key}`")).at(header),
                    );
                    return None;
                };
                let mut expr = attribute.expr.clone();
                attribute.expr.kind = ExprKind::Broken;
                references.extend(this.resolve_expr(&mut expr, allowed, &[]));
                Some(expr)
            };
            let (condition, message) = (part(self, "condition"), part(self, "error_message"));
            if let (Some(condition), Some(message)) = (condition, message) {
                conditions.push(Condition { condition, message });
            }
        }
        references.sort_unstable();
        references.dedup();
        (conditions, references)
    }

    pub(super) fn local(&mut self, name: Identifier, mut expr: Expr) {
        let references = self.resolve_expr(&mut expr, Allowed::all("a local"), &[]);
        self.configuration.locals.push(Local { name, expr, references });
    }

    pub(super) fn service(&mut self, name: Identifier, mut block: Block) {
        let header = block.header();
        let depends_on = take(&mut block.body, "depends_on");
        let (mut count, mut for_each) = (take(&mut block.body, "count"), take(&mut block.body, "for_each"));
        if let (Some(count), Some(for_each)) = (&count, &for_each) {
            let (first, second) =
                if count.span < for_each.span { (count, for_each) } else { (for_each, count) };
            self.faults.push(
                Diagnostic::error("conflicting-attributes", "`count` and `for_each` exclude each other")
                    .at(second.span)
                    .see(first.span, "the other one")
                    .hint("keep one of them"),
            );
        }
        let outside = Allowed { cluster: true, ..Allowed::all("the number of services") };
        let inside =
            Allowed { place: "this service", each: for_each.is_some(), count: count.is_some(), ..outside };
        let mut references = self.resolve(&mut block.body, inside, &[]);
        for expr in count.iter_mut().chain(for_each.iter_mut()) {
            references.extend(self.resolve_expr(expr, outside, &[]));
        }
        references.sort_unstable();
        references.dedup();
        let depends_on = depends_on.map_or_else(Vec::new, |expr| self.dependencies(&expr));
        self.configuration.services.push(Service {
            name,
            header,
            count,
            for_each,
            depends_on,
            body: block.body,
            references,
        });
    }

    /// `depends_on = [service.cache]`.
    pub(super) fn dependencies(&mut self, expr: &Expr) -> Vec<Dependency> {
        let elements = match &expr.kind {
            ExprKind::Tuple(elements) => elements.as_slice(),
            ExprKind::Broken => return Vec::new(),
            _ => {
                self.faults.push(
                    Diagnostic::error("invalid-depends-on", "`depends_on` is a list of references")
                        .at(expr.span)
                        .hint("write it as in `depends_on = [service.cache]`"),
                );
                return Vec::new();
            }
        };
        let mut dependencies = Vec::new();
        for element in elements {
            if let ExprKind::Literal(value) = &element.kind {
                let fault = Diagnostic::error(
                    "invalid-depends-on",
                    "an entry of `depends_on` is a reference, not text",
                )
                .at(element.span);
                let name = value.as_str().unwrap_or("cache");
                self.faults.push(fault.hint(format!("write `service.{name}`")));
                continue;
            }
            let mut element = element.clone();
            let only = Allowed { services: true, images: true, ..Allowed::constant("`depends_on`") };
            for on in self.resolve_expr(&mut element, only, &[]) {
                dependencies.push(Dependency { on, span: element.span });
            }
        }
        dependencies
    }

    pub(super) fn image(&mut self, name: Identifier, mut block: Block) {
        let header = block.header();
        let references = self.resolve(&mut block.body, Allowed::values("an image"), &[]);
        self.configuration.images.push(Image { name, header, body: block.body, references });
    }

    pub(super) fn seed(&mut self, name: Identifier, mut block: Block) {
        let header = block.header();
        let service = self.seeded_service(&mut block.body);
        let key = take(&mut block.body, "key");
        let mut references = self.resolve(&mut block.body, Allowed::values("a seed"), &[]);
        let mut key = key.unwrap_or_else(|| {
            self.faults.push(
                Diagnostic::error("missing-attribute", format!("seed \"{}\" needs `key`", name.name))
                    .at(header)
                    .hint("add `key = \"…${object.id}\"`: the key of each object"),
            );
            Expr { kind: ExprKind::Broken, span: header }
        });
        references.extend(self.resolve_expr(&mut key, Allowed::values("the key of a seed"), &["object"]));
        references.sort_unstable();
        references.dedup();
        match service {
            Some(service) => {
                self.configuration.seeds.push(Seed::new(name, header, service, key, block.body, references));
            }
            // Without a service it is no seed; the rest of it is still looked at when validating.
            None => {
                let seed = Seed::new(name, header, ServiceId(u32::MAX), key, block.body, references);
                self.configuration.seeds_without_service.push(seed);
            }
        }
    }

    /// `service = service.cache` or its name; the body keeps the name as text.
    pub(super) fn seeded_service(&mut self, body: &mut Body) -> Option<ServiceId> {
        let attribute = body.attributes.iter_mut().find(|a| a.name.name.as_ref() == "service")?;
        let name = match &attribute.expr.kind {
            ExprKind::Literal(value) => value.as_str().map(Arc::<str>::from),
            ExprKind::Traversal(source, steps) => match (&source.kind, steps.as_slice()) {
                (ExprKind::Name(root), [Step::Attribute(name)]) if root.as_ref() == "service" => {
                    Some(name.name.clone())
                }
                _ => None,
            },
            ExprKind::Broken => return None,
            _ => None,
        };
        let span = attribute.expr.span;
        let Some(name) = name else {
            attribute.expr.kind = ExprKind::Broken;
            self.faults.push(
                Diagnostic::error("invalid-reference", "`service` names one service")
                    .at(span)
                    .hint("write it as in `service = service.cache`"),
            );
            return None;
        };
        attribute.expr.kind = ExprKind::Literal(Value::string(name.clone()));
        let id = self.configuration.names.services.get(&name).copied();
        if id.is_none() {
            attribute.expr.kind = ExprKind::Broken;
            let fault = Diagnostic::error("undeclared", format!("there is no service `{name}`")).at(span);
            self.faults.push(match self.configuration.names.closest("service", &name) {
                Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                None => fault.hint(format!("declare it with `service \"{name}\" {{ … }}`")),
            });
        }
        id
    }

    pub(super) fn output(&mut self, name: Identifier, mut block: Block) {
        let header = block.header();
        let value = take(&mut block.body, "value");
        let depends_on =
            take(&mut block.body, "depends_on").map_or_else(Vec::new, |expr| self.dependencies(&expr));
        let all = Allowed::all("an output");
        let (preconditions, mut references) = self.conditions(&mut block.body, "precondition", all);
        self.resolve(&mut block.body, Allowed::constant("the settings of an output"), &[]);
        let project = self.configuration.project.name.clone();
        let scope = ConstantScope { files: self.files, project: &project, environment: None };
        let what = format!("output \"{}\"", name.name);
        let decoded = decode(&block.body, header, &what, &blocks::OUTPUT, &[], &scope);
        self.faults.extend(decoded.diagnostics);
        let Some(mut expr) = value else {
            self.faults.push(
                Diagnostic::error("missing-attribute", format!("output \"{}\" needs `value`", name.name))
                    .at(header)
                    .hint("add `value = …`: what is told"),
            );
            return;
        };
        references.extend(self.resolve_expr(&mut expr, all, &[]));
        references.sort_unstable();
        references.dedup();
        self.configuration.outputs.push(Output {
            name,
            expr,
            description: decoded.value.get("description").and_then(|v| v.as_str().map(str::to_owned)),
            sensitive: decoded.value.get("sensitive").and_then(|v| v.as_bool()).unwrap_or(false),
            preconditions,
            depends_on,
            header,
            references,
        });
    }

    pub(super) fn environments(&mut self, found: Vec<(Identifier, Block)>) {
        let project = self.configuration.project.name.clone();
        let scope = ConstantScope { files: self.files, project: &project, environment: None };
        for (name, mut block) in found {
            let environment = environment::environment(
                name.name,
                &mut block,
                &self.configuration.names,
                &scope,
                &mut self.faults,
            );
            self.configuration.environments.push(environment);
        }
        if self.configuration.environments.is_empty() {
            self.configuration.environments.push(Environment::implied());
        }
    }
}
