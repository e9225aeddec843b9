//! What references are called: from what a configuration's names were resolved to, back to how a person writes them.

use std::sync::Arc;

use diag::Diagnostic;
use engine::Mode;
use lang::configuration::Resource;
use lang::resolve::Reference;
use lang::syntax::{Expr, ExprKind, Part, Step};
use lang::{Configuration, MemoryFiles, ProjectFiles, Scope, evaluate};
use value::{Kind, Value};

/// The names of a module.
pub struct Names<'a> {
    /// The module.
    pub configuration: &'a Configuration,
}

impl Names<'_> {
    /// What a reference is called; `None` for a name that an expression binds itself.
    #[must_use]
    pub fn reference(&self, reference: Reference) -> Option<String> {
        let configuration = self.configuration;
        Some(match reference {
            Reference::Variable(id) => format!("var.{}", configuration.variable(id)?.name.name),
            Reference::Local(id) => format!("local.{}", configuration.local(id)?.name.name),
            Reference::Service(id) => format!("service.{}", configuration.service(id)?.name.name),
            Reference::Image(id) => format!("image.{}", configuration.image(id)?.name.name),
            Reference::Resource(id) => resource(configuration.resources.get(id.0 as usize)?),
            Reference::Module(id) | Reference::ModuleOutput(id, _) => {
                format!("module.{}", configuration.calls.get(id.0 as usize)?.name.name)
            }
            Reference::EachKey => "each.key".into(),
            Reference::EachValue => "each.value".into(),
            Reference::CountIndex => "count.index".into(),
            Reference::SelfObject => "self".into(),
            Reference::PathModule => "path.module".into(),
            Reference::PathRoot => "path.root".into(),
            Reference::PathCwd => "path.cwd".into(),
            Reference::EnvironmentName => "environment.name".into(),
            Reference::ProjectName => "project.name".into(),
            Reference::ClusterName => "cluster.name".into(),
            Reference::Workspace => "terraform.workspace".into(),
            Reference::Slot(_) => return None,
            #[allow(unreachable_patterns)]
            _ => return None,
        })
    }

    /// Adds what an expression refers to, from the whole traversal down to the object, in the order of the text. Answers whether it
    /// calls no function.
    pub fn references(&self, expr: &Expr, found: &mut Vec<String>) -> bool {
        let mut all = |exprs: &[&Expr]| {
            let mut is_plain = true;
            for expr in exprs {
                is_plain &= self.references(expr, found);
            }
            is_plain
        };
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Broken => true,
            ExprKind::Reference(reference) => {
                self.traversal(*reference, &[], found);
                true
            }
            ExprKind::Traversal(source, steps) => {
                let known = match &source.kind {
                    ExprKind::Reference(reference) => self.traversal(*reference, steps, found),
                    _ => {
                        if !self.references(source, found) {
                            return false;
                        }
                        0
                    }
                };
                steps.iter().skip(known).fold(true, |plain, step| plain & self.step(step, found))
            }
            ExprKind::Wrap(inner)
            | ExprKind::Parens(inner)
            | ExprKind::Negate(inner)
            | ExprKind::Not(inner) => self.references(inner, found),
            ExprKind::Template(parts) => self.parts(parts, found),
            ExprKind::Tuple(elements) => all(&elements.iter().collect::<Vec<_>>()),
            ExprKind::Object(items) => items.iter().fold(true, |plain, item| {
                plain & self.references(&item.key, found) & self.references(&item.value, found)
            }),
            ExprKind::Call(call) => {
                all(&call.arguments.iter().collect::<Vec<_>>());
                false
            }
            ExprKind::Conditional(parts) => all(&parts.iter().collect::<Vec<_>>()),
            ExprKind::Binary(first, rest) => {
                let operands: Vec<&Expr> =
                    std::iter::once(first.as_ref()).chain(rest.iter().map(|(_, it)| it)).collect();
                all(&operands)
            }
            ExprKind::For(for_) => {
                let mut parts = vec![&for_.collection];
                parts.extend(&for_.key);
                parts.push(&for_.value);
                parts.extend(&for_.condition);
                all(&parts)
            }
        }
    }

    fn step(&self, step: &Step, found: &mut Vec<String>) -> bool {
        match step {
            Step::Index(key, _) => self.references(key, found),
            Step::Splat { steps, .. } => {
                steps.iter().fold(true, |plain, step| plain & self.step(step, found))
            }
            Step::Attribute(_) | Step::LegacyIndex(..) => true,
        }
    }

    fn parts(&self, parts: &[Part], found: &mut Vec<String>) -> bool {
        parts.iter().fold(true, |plain, part| {
            plain
                & match part {
                    Part::Text(_) => true,
                    Part::Value(expr) => self.references(expr, found),
                    Part::If { condition, then, otherwise } => {
                        self.references(condition, found)
                            & self.parts(then, found)
                            & self.parts(otherwise, found)
                    }
                    Part::For { collection, body, .. } => {
                        self.references(collection, found) & self.parts(body, found)
                    }
                }
        })
    }

    /// Adds a reference with the steps after it that are constant; answers how many these are.
    fn traversal(&self, reference: Reference, steps: &[Step], found: &mut Vec<String>) -> usize {
        let Some(subject) = self.reference(reference) else { return 0 };
        let texts: Vec<String> = steps.iter().map_while(text).collect();
        // The key of an instance, and the name of a module's output, belong to what is referred to.
        let has_key = texts.first().is_some_and(|step| step.starts_with('['));
        let own = match reference {
            Reference::Resource(_) => usize::from(has_key),
            Reference::Module(_) | Reference::ModuleOutput(..) => {
                let key = usize::from(has_key);
                key + usize::from(texts.get(key).is_some_and(|step| step.starts_with('.')))
            }
            _ => 0,
        };
        for end in (own..=texts.len()).rev() {
            found.push(format!("{subject}{}", texts[..end].concat()));
        }
        match reference {
            Reference::Resource(_) if own == 1 => found.push(subject),
            Reference::Module(_) | Reference::ModuleOutput(..) if own > 0 => {
                // An output is followed by its module instance, a module instance by its call.
                found.push(format!("{subject}{}", texts[..own - 1].concat()));
            }
            _ => {}
        }
        texts.len()
    }
}

/// A step that is the same whatever the values, as it is written.
fn text(step: &Step) -> Option<String> {
    match step {
        Step::Attribute(name) => Some(format!(".{}", name.name)),
        Step::LegacyIndex(index, _) => Some(format!("[{index}]")),
        Step::Index(Expr { kind: ExprKind::Literal(key), .. }, _) => match key.kind() {
            Kind::String(name) => Some(format!("[{}]", lang::write::quoted(name))),
            Kind::Number(number) => Some(format!("[{number}]")),
            _ => None,
        },
        Step::Index(..) | Step::Splat { .. } => None,
    }
}

/// What a resource is called in its module.
#[must_use]
pub fn resource(resource: &Resource) -> String {
    let mode = match resource.mode {
        Mode::Managed => "",
        Mode::Data => "data.",
        Mode::Ephemeral => "ephemeral.",
    };
    format!("{mode}{}.{}", resource.kind.name, resource.name.name)
}

/// The provider of a resource in its module: its local name and alias.
#[must_use]
pub fn provider_of(resource: &Resource) -> (Arc<str>, Option<Arc<str>>) {
    match &resource.provider {
        Some(reference) => (reference.name.clone(), reference.alias.clone()),
        None => {
            let kind = &resource.kind.name;
            (kind.split_once('_').map_or_else(|| kind.clone(), |(first, _)| first.into()), None)
        }
    }
}

/// The full name of a provider: `registry.terraform.io/hashicorp/aws` for `aws`.
#[must_use]
pub fn full_name(configuration: &Configuration, local: &str) -> String {
    let required = configuration.settings.required_providers.iter().find(|it| it.name.name.as_ref() == local);
    match required.and_then(|it| it.source.as_ref()) {
        Some((source, _)) if source.matches('/').count() == 1 => format!("registry.terraform.io/{source}"),
        Some((source, _)) if source.contains('/') => source.to_string(),
        Some((source, _)) => format!("registry.terraform.io/hashicorp/{source}"),
        None if local == "terraform" => "terraform.io/builtin/terraform".into(),
        None => format!("registry.terraform.io/hashicorp/{local}"),
    }
}

/// The value of an expression that needs nothing.
#[must_use]
pub fn constant(expr: &Expr) -> Option<Value> {
    struct Nothing(MemoryFiles);
    impl Scope for Nothing {
        fn get(&self, _: Reference) -> Result<Value, Diagnostic> {
            Err(Diagnostic::error("not-constant", "a constant refers to nothing"))
        }
        fn files(&self) -> &dyn ProjectFiles {
            &self.0
        }
    }
    evaluate(expr, &Nothing(MemoryFiles::default())).ok()
}
