//! What a name and the steps after it mean. It looks names up and evaluates nothing.

use std::sync::Arc;

use diag::{Diagnostic, Span};

use super::names::Repeated;
use super::reference::{Reference, ResourceId};
use super::uses::ProviderFunction;
use super::walk::Resolver;
use crate::address::Mode;
use crate::functions;
use crate::syntax::{Expr, ExprKind, Identifier, Step};

/// Roots that name something, for "did you mean".
pub(super) const ROOTS: [&str; 17] = [
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
    "data",
    "module",
    "stack",
    "resource",
    "ephemeral",
];

/// Roots of Mainstay's own. A kind of resource with such a name goes before them: `project` is one of somebody's provider.
const OWN_ROOTS: [&str; 6] = ["service", "stack", "image", "environment", "project", "cluster"];

/// Names that Terraform keeps for later.
const RESERVED: [&str; 3] = ["template", "lazy", "arg"];

/// What a name means, and how many of the steps after it belong to it.
pub(super) struct Found {
    pub reference: Reference,
    pub taken: usize,
}

impl Resolver<'_> {
    /// What a root and the steps after it mean; `None` after a fault.
    pub(super) fn look_up(&mut self, root: &Arc<str>, span: Span, steps: &[Step]) -> Option<Found> {
        if let Some(slot) = self.bound.iter().rposition(|bound| bound == root) {
            let reference = Reference::Slot(u32::try_from(slot).unwrap_or(u32::MAX));
            return Some(Found { reference, taken: 0 });
        }
        match root.as_ref() {
            "data" => return self.resource(Mode::Data, root, span, steps, 1),
            "ephemeral" => return self.resource(Mode::Ephemeral, root, span, steps, 1),
            "resource" => return self.resource(Mode::Managed, root, span, steps, 1),
            "module" => return self.module(root, span, steps),
            name if self.is_kind(name, root, steps) => {
                return self.resource(Mode::Managed, root, span, steps, 0);
            }
            // A stack of a project is called as a module is.
            "stack" => return self.module(root, span, steps),
            name if ROOTS.contains(&name) => {}
            name if RESERVED.contains(&name) => {
                self.diagnostics.push(
                    Diagnostic::error("reserved-name", format!("the name `{name}` is reserved"))
                        .summary("Reserved symbol name")
                        .at(span)
                        .hint(format!("if a kind of resource has this name, write `resource.{name}`")),
                );
                return None;
            }
            _ => {
                let name = steps.first().and_then(attribute);
                self.unknown_root(root, span, name.map(|n| n.name.as_ref()));
                return None;
            }
        }
        self.named(root, span, steps)
    }

    /// Whether a root is a kind of resource: a declared one, or a word that looks like one and is followed by a name.
    fn is_kind(&self, name: &str, root: &Arc<str>, steps: &[Step]) -> bool {
        let declared = || self.names.resources.contains_key(&(Mode::Managed, root.clone()));
        if ROOTS.contains(&name) {
            return OWN_ROOTS.contains(&name) && declared();
        }
        let is_named = steps.first().and_then(attribute).is_some();
        (is_named && name.contains('_') && !RESERVED.contains(&name)) || declared()
    }

    /// `aws_vpc.x`, `data.aws_ami.x`; `before` is the number of steps before the kind's own name.
    fn resource(
        &mut self,
        mode: Mode,
        root: &Arc<str>,
        span: Span,
        steps: &[Step],
        before: usize,
    ) -> Option<Found> {
        if !self.allowed.resources {
            let last = steps.get(before).map_or(span, Step::span);
            self.not_permitted(root, span.to(last));
            return None;
        }
        let kind = match before {
            0 => Some(root),
            _ => steps.first().and_then(attribute).map(|name| &name.name),
        };
        let (Some(kind), Some(name)) = (kind, steps.get(before).and_then(attribute)) else {
            let example = match before {
                0 => format!("{root}.NAME"),
                _ => format!("{root}.KIND.NAME"),
            };
            self.diagnostics.push(alone(root, span).hint(format!("write `{example}`")));
            return None;
        };
        let named = span.to(name.span);
        let Some(id) = self.names.resource(mode, kind, &name.name) else {
            self.undeclared_resource(mode, kind, &name.name, named);
            return None;
        };
        if self.names.scoped.get(&id).is_some_and(|check| self.allowed.check != Some(*check)) {
            self.diagnostics.push(
                Diagnostic::error(
                    "scoped-resource",
                    "only the check that this data source is in can refer to it",
                )
                .at(named)
                .hint("move the `data` block out of its `check` block"),
            );
            return None;
        }
        if !self.allowed.whole && !self.key_fits(id, named, steps.get(before + 1)) {
            return None;
        }
        let reference = Reference::Resource(id);
        self.references.insert(reference);
        Some(Found { reference, taken: before + 1 })
    }

    /// Whether the step after a resource suits how it is repeated; if not, that is a fault.
    fn key_fits(&mut self, id: ResourceId, span: Span, next: Option<&Step>) -> bool {
        let fault = match (self.names.repeated(id), next) {
            (Repeated::Once, Some(Step::LegacyIndex(..))) => None,
            (Repeated::Once, Some(Step::Index(Expr { kind: ExprKind::Literal(_), .. }, _))) => None,
            (Repeated::Count, Some(Step::Attribute(_))) => Some(("count", "[0]", "[count.index]")),
            (Repeated::ForEach, Some(Step::Attribute(_))) => Some(("for_each", "[\"key\"]", "[each.key]")),
            _ => return true,
        };
        self.diagnostics.push(match fault {
            Some((word, example, own)) => Diagnostic::error(
                "missing-key",
                format!("this resource has `{word}`, so that its attributes are those of one instance"),
            )
            .at(span)
            .hint(format!("name one instance with `{example}` or `{own}`, or all of them with `[*]`")),
            None => Diagnostic::error(
                "unexpected-key",
                "this resource has neither `count` nor `for_each`, and so no instances with a key",
            )
            .at(span)
            .hint("leave the key out"),
        });
        false
    }

    /// `module.x`, `module.x.out`, `module.x[k].out`, `module.x[*].out`: the output's step stays, since it is a step into the
    /// object that the reference gives.
    fn module(&mut self, root: &Arc<str>, span: Span, steps: &[Step]) -> Option<Found> {
        if !self.allowed.modules {
            self.not_permitted(root, steps.first().map_or(span, |s| span.to(s.span())));
            return None;
        }
        let Some(name) = steps.first().and_then(attribute) else {
            self.diagnostics
                .push(alone(root, span).hint(format!("write `{root}.` and the name of what is meant")));
            return None;
        };
        let Some(call) = self.names.calls.get(&name.name).copied() else {
            self.undeclared(root, &name.name, span.to(name.span));
            return None;
        };
        let output = match (steps.get(1), steps.get(2)) {
            (Some(Step::Attribute(output)), _) => Some(output),
            (Some(Step::Index(..) | Step::LegacyIndex(..)), Some(Step::Attribute(output))) => Some(output),
            (Some(Step::Splat { steps, .. }), _) => steps.first().and_then(attribute),
            _ => None,
        };
        let reference = match (output, self.uses.as_deref_mut()) {
            (Some(output), Some(uses)) if !self.allowed.whole => uses.output(call, &output.name, output.span),
            _ => Reference::Module(call),
        };
        self.references.insert(reference);
        Some(Found { reference, taken: 1 })
    }

    /// What `root.name` means, under a root that is no resource.
    fn named(&mut self, root: &Arc<str>, span: Span, steps: &[Step]) -> Option<Found> {
        let name = match steps.first() {
            Some(Step::Attribute(attribute)) => Some(attribute.name.clone()),
            Some(Step::Index(Expr { kind: ExprKind::Literal(value), .. }, _)) if root.as_ref() == "image" => {
                value.as_str().map(Arc::from)
            }
            _ => None,
        };
        let named = steps.first().map_or(span, |step| span.to(step.span()));
        if !self.permitted(root) {
            self.not_permitted(root, named);
            return None;
        }
        if root.as_ref() == "self" {
            self.references.insert(Reference::SelfObject);
            return Some(Found { reference: Reference::SelfObject, taken: 0 });
        }
        let Some(name) = name else {
            self.incomplete(root, span);
            return None;
        };
        let reference = match (root.as_ref(), name.as_ref()) {
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
            ("terraform", "applying") => Some(Reference::Applying),
            (root, name) => self.names.declared(root, name),
        };
        match reference {
            Some(reference) => {
                self.references.insert(reference);
                Some(Found { reference, taken: 1 })
            }
            None => {
                self.undeclared(root, &name, named);
                None
            }
        }
    }

    pub(super) fn permitted(&self, root: &str) -> bool {
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

    /// Whether there is such a function here; if not, that is a fault.
    pub(super) fn function(&mut self, name: &Identifier) -> bool {
        if self.allowed.without_functions {
            self.diagnostics.push(
                Diagnostic::error(
                    "function-not-allowed",
                    format!("no function can be called in {}", self.allowed.place),
                )
                .at(name.span)
                .hint("write the value itself, or a local where the value is needed"),
            );
            return false;
        }
        if let Some(path) = name.name.strip_prefix("provider::") {
            return self.provider_function(path, name);
        }
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
        let fault = match plain {
            "timestamp" | "plantimestamp" => fault
                .because("it reads the clock, so that no plan would be the same twice")
                .hint("give the value in as a variable"),
            _ => match diag::closest(plain, functions::names().chain(["try", "can"])) {
                Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                None => fault,
            },
        };
        self.diagnostics.push(fault);
        false
    }

    /// `provider::aws::arn_parse`: whether the module requires the provider. Whether that has the function, only it knows.
    fn provider_function(&mut self, path: &str, name: &Identifier) -> bool {
        let Some((provider, function)) = path.split_once("::").filter(|(_, f)| !f.contains("::")) else {
            self.diagnostics.push(
                Diagnostic::error("unknown-function", format!("there is no function `{}`", name.name))
                    .summary("Unknown provider function")
                    .at(name.span)
                    .hint("a provider's function is written `provider::NAME::FUNCTION(…)`"),
            );
            return false;
        };
        let Some(provider) = self.names.providers.get(provider).cloned() else {
            let fault =
                Diagnostic::error("unknown-function", format!("there is no function `{}`", name.name))
                    .summary("Unknown provider function")
                    .at(name.span)
                    .because(format!("`required_providers` of this module does not name `{provider}`"));
            self.diagnostics.push(
                match diag::closest(provider, self.names.providers.iter().map(AsRef::as_ref)) {
                    Some(meant) => fault.hint(format!("did you mean `provider::{meant}::{function}`?")),
                    None => fault.hint(format!(
                        "add `{provider} = {{ source = \"…\" }}` to `required_providers` of `terraform {{}}`"
                    )),
                },
            );
            return false;
        };
        if let Some(uses) = self.uses.as_deref_mut() {
            uses.functions.push(ProviderFunction { provider, function: function.into(), span: name.span });
        }
        true
    }
}

/// A root without the name that has to follow it.
pub(crate) fn alone(root: &str, span: Span) -> Diagnostic {
    Diagnostic::error("incomplete-reference", format!("`{root}` alone is no value")).at(span)
}

fn attribute(step: &Step) -> Option<&Identifier> {
    match step {
        Step::Attribute(name) => Some(name),
        _ => None,
    }
}
