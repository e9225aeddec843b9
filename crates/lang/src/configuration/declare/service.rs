//! Mainstay's own blocks: services, images, seeds, environments.

use std::sync::Arc;

use diag::Diagnostic;
use value::Value;

use super::super::collect::Collector;
use super::super::declaration::{Image, Seed, Service};
use super::super::environment::{self, Environment, take};
use super::super::scope::ConstantScope;
use super::once;
use crate::resolve::{Allowed, ServiceId};
use crate::syntax::{Block, Body, Expr, ExprKind, Identifier, Step};

impl Collector<'_> {
    pub(in super::super) fn service(&mut self, name: Identifier, mut block: Block) {
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
        once(&mut references);
        let depends_on = depends_on.map_or_else(Vec::new, |expr| self.dependencies(expr));
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

    pub(in super::super) fn image(&mut self, name: Identifier, mut block: Block) {
        let header = block.header();
        let references = self.resolve(&mut block.body, Allowed::values("an image"), &[]);
        self.configuration.images.push(Image { name, header, body: block.body, references });
    }

    pub(in super::super) fn seed(&mut self, name: Identifier, mut block: Block) {
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
        once(&mut references);
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

    pub(in super::super) fn environments(&mut self, found: Vec<(Identifier, Block)>) {
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
