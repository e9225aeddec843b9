//! What references are called: from what a configuration's names were resolved to, back to how a person writes them.

use std::sync::Arc;

use diag::{Diagnostic, Sources};
use engine::Mode;
use lang::configuration::Resource;
use lang::resolve::Reference;
use lang::syntax::{Expr, ExprKind, Part, Step};
use lang::{Configuration, MemoryFiles, ProjectFiles, Scope, evaluate};
use serde_json::Value as Json;
use value::{Kind, Type, Value};

/// The names of a module.
pub struct Names<'a> {
    /// The module.
    pub configuration: &'a Configuration,
    /// The texts that it was read from.
    pub sources: &'a Sources,
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

    /// An expression of a file in JSON as it is written, templates as text; `None` for those of other files.
    #[must_use]
    pub fn written(&self, expr: &Expr) -> Option<Json> {
        let span = expr.span;
        if !self.sources.path(span.file).ends_with(".json") {
            return None;
        }
        let text = self.sources.text(span.file).get(span.start as usize..span.end as usize)?;
        serde_json::from_str(text).ok()
    }

    /// Adds what an expression refers to, from the whole traversal down to the object, in the order of the text.
    pub fn references(&self, expr: &Expr, found: &mut Vec<String>) {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Broken => {}
            ExprKind::Reference(reference) => {
                self.traversal(*reference, &[], found);
            }
            ExprKind::Traversal(source, steps) => {
                let known = match &source.kind {
                    ExprKind::Reference(reference) => self.traversal(*reference, steps, found),
                    _ => {
                        self.references(source, found);
                        0
                    }
                };
                steps.iter().skip(known).for_each(|step| self.step(step, found));
            }
            ExprKind::Wrap(inner)
            | ExprKind::Parens(inner)
            | ExprKind::Negate(inner)
            | ExprKind::Not(inner) => self.references(inner, found),
            ExprKind::Template(parts) => self.parts(parts, found),
            ExprKind::Tuple(elements) => elements.iter().for_each(|it| self.references(it, found)),
            ExprKind::Object(items) => {
                for item in items {
                    self.references(&item.key, found);
                    self.references(&item.value, found);
                }
            }
            ExprKind::Call(call) => call.arguments.iter().for_each(|it| self.references(it, found)),
            ExprKind::Conditional(parts) => parts.iter().for_each(|it| self.references(it, found)),
            ExprKind::Binary(first, rest) => {
                self.references(first, found);
                rest.iter().for_each(|(_, operand)| self.references(operand, found));
            }
            ExprKind::For(for_) => {
                self.references(&for_.collection, found);
                let parts = for_.key.iter().chain([&for_.value]).chain(&for_.condition);
                parts.for_each(|it| self.references(it, found));
            }
        }
    }

    fn step(&self, step: &Step, found: &mut Vec<String>) {
        match step {
            Step::Index(key, _) => self.references(key, found),
            Step::Splat { steps, .. } => steps.iter().for_each(|step| self.step(step, found)),
            Step::Attribute(_) | Step::LegacyIndex(..) => {}
        }
    }

    fn parts(&self, parts: &[Part], found: &mut Vec<String>) {
        for part in parts {
            match part {
                Part::Text(_) => {}
                Part::Value(expr) => self.references(expr, found),
                Part::If { condition, then, otherwise } => {
                    self.references(condition, found);
                    self.parts(then, found);
                    self.parts(otherwise, found);
                }
                Part::For { collection, body, .. } => {
                    self.references(collection, found);
                    self.parts(body, found);
                }
            }
        }
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

/// The value of an expression as far as it can be told with nothing known of what it refers to or calls; `None` where that is not the
/// whole of it.
#[must_use]
pub fn constant(expr: &Expr) -> Option<Value> {
    struct Nothing(MemoryFiles);
    impl Scope for Nothing {
        fn get(&self, _: Reference) -> Result<Value, Diagnostic> {
            Ok(Value::unknown(Type::Dynamic))
        }
        fn files(&self) -> &dyn ProjectFiles {
            &self.0
        }
    }
    let mut expr = expr.clone();
    without_calls(&mut expr);
    evaluate(&expr, &Nothing(MemoryFiles::default())).ok().filter(Value::is_wholly_known)
}

/// Puts something unknown in the place of each call.
fn without_calls(expr: &mut Expr) {
    match &mut expr.kind {
        ExprKind::Call(_) => expr.kind = ExprKind::Reference(Reference::SelfObject),
        ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Broken | ExprKind::Reference(_) => {}
        ExprKind::Traversal(source, steps) => {
            without_calls(source);
            steps.iter_mut().for_each(without_calls_in_step);
        }
        ExprKind::Wrap(inner) | ExprKind::Parens(inner) | ExprKind::Negate(inner) | ExprKind::Not(inner) => {
            without_calls(inner)
        }
        ExprKind::Template(parts) => parts.iter_mut().for_each(without_calls_in_part),
        ExprKind::Tuple(elements) => elements.iter_mut().for_each(without_calls),
        ExprKind::Object(items) => {
            for item in items {
                without_calls(&mut item.key);
                without_calls(&mut item.value);
            }
        }
        ExprKind::Conditional(parts) => parts.iter_mut().for_each(without_calls),
        ExprKind::Binary(first, rest) => {
            without_calls(first);
            rest.iter_mut().for_each(|(_, operand)| without_calls(operand));
        }
        ExprKind::For(for_) => {
            without_calls(&mut for_.collection);
            for_.key
                .iter_mut()
                .chain([&mut for_.value])
                .chain(for_.condition.iter_mut())
                .for_each(without_calls);
        }
    }
}

fn without_calls_in_step(step: &mut Step) {
    match step {
        Step::Index(key, _) => without_calls(key),
        Step::Splat { steps, .. } => steps.iter_mut().for_each(without_calls_in_step),
        Step::Attribute(_) | Step::LegacyIndex(..) => {}
    }
}

fn without_calls_in_part(part: &mut Part) {
    match part {
        Part::Text(_) => {}
        Part::Value(expr) => without_calls(expr),
        Part::If { condition, then, otherwise } => {
            without_calls(condition);
            then.iter_mut().chain(otherwise).for_each(without_calls_in_part);
        }
        Part::For { collection, body, .. } => {
            without_calls(collection);
            body.iter_mut().for_each(without_calls_in_part);
        }
    }
}
