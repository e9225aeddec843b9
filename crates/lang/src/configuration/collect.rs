//! From parsed files to declarations: first every name, then what the names in expressions mean.

use std::collections::HashMap;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Span};
use value::{Type, Value};

use super::declaration::{Condition, Dependency, Image, Local, Output, Seed, Service, Variable};
use super::environment::{self, Environment, check_name, take};
use super::load::{FileKind, PROJECT_FILE, Source};
use super::scope::ConstantScope;
use super::variables::default_value;
use super::{Configuration, Project, cycles, next_id};
use crate::blocks;
use crate::eval::type_constraint;
use crate::files::ProjectFiles;
use crate::resolve::{Allowed, ImageId, LocalId, Reference, Resolver, ServiceId, VariableId};
use crate::schema::decode;
use crate::syntax::{Block, Body, Expr, ExprKind, Identifier, Step, is_identifier};

/// Mainstay's own blocks at the top of a file, and Terraform's that it has as well.
const BLOCKS: [&str; 7] = ["project", "environment", "service", "image", "seed", "variable", "output"];

/// Terraform's blocks that are not supported yet.
const TERRAFORM_LATER: [&str; 10] = [
    "resource",
    "data",
    "module",
    "provider",
    "terraform",
    "moved",
    "import",
    "removed",
    "check",
    "ephemeral",
];

/// Blocks by kind, each with its name.
#[derive(Default)]
struct Found {
    project: Option<Block>,
    environments: Vec<(Identifier, Block)>,
    variables: Vec<(Identifier, Block)>,
    outputs: Vec<(Identifier, Block)>,
    services: Vec<(Identifier, Block)>,
    images: Vec<(Identifier, Block)>,
    seeds: Vec<(Identifier, Block)>,
    locals: Vec<(Identifier, Expr)>,
}

pub(super) struct Collector<'a> {
    files: &'a dyn ProjectFiles,
    configuration: Configuration,
    faults: Diagnostics,
    /// Where each name was declared first, by kind and name.
    declared: HashMap<(&'static str, Arc<str>), Span>,
}

impl<'a> Collector<'a> {
    pub fn new(files: &'a dyn ProjectFiles) -> Self {
        Self {
            files,
            configuration: Configuration::default(),
            faults: Diagnostics::default(),
            declared: HashMap::new(),
        }
    }

    pub fn run(mut self, sources: Vec<Source>) -> (Configuration, Diagnostics) {
        let project_file = sources.iter().find(|s| s.kind == FileKind::Project).map(|s| s.body.span);
        let mut found = Found::default();
        for source in sources {
            self.gather(source, &mut found);
        }
        self.project(found.project.take(), project_file);
        self.names(&found);
        for (name, block) in found.variables {
            self.variable(name, block);
        }
        for (name, expr) in found.locals {
            self.local(name, expr);
        }
        for (name, block) in found.services {
            self.service(name, block);
        }
        for (name, block) in found.images {
            self.image(name, block);
        }
        for (name, block) in found.seeds {
            self.seed(name, block);
        }
        for (name, block) in found.outputs {
            self.output(name, block);
        }
        self.environments(found.environments);
        let (order, circles) = cycles::order(&self.configuration);
        self.configuration.local_order = order;
        self.faults.extend(circles);
        (self.configuration, self.faults)
    }

    /// The blocks of a file by kind; what may not stand in it is a fault.
    fn gather(&mut self, source: Source, found: &mut Found) {
        let kind = source.kind;
        // One whose expression is its name is a block that could not be read: that has been said.
        for attribute in source.body.attributes.iter().filter(|a| a.expr.span != a.name.span) {
            let name = &attribute.name.name;
            let fault = Diagnostic::error(
                "attribute-outside-block",
                format!("`{name}` stands outside of every block"),
            )
            .at(attribute.name.span);
            self.faults.push(match kind {
                FileKind::Environment => fault.hint(format!(
                    "write it inside: `environment \"NAME\" {{ variables = {{ {name} = … }} }}`"
                )),
                _ => fault
                    .hint(format!("a value with a name of its own is a local: `locals {{ {name} = … }}`")),
            });
        }
        for block in source.body.blocks {
            if self.may_stand(&block, kind) {
                self.file(block, found);
            }
        }
    }

    fn may_stand(&mut self, block: &Block, kind: FileKind) -> bool {
        let name = block.kind.name.as_ref();
        let is_terraform = matches!(name, "variable" | "output" | "locals");
        let is_known = is_terraform || BLOCKS.contains(&name);
        let fault = match kind {
            _ if TERRAFORM_LATER.contains(&name) => Diagnostic::error(
                "not-supported",
                format!("Terraform's `{name}` blocks are not supported yet"),
            ),
            _ if !is_known => self.unknown_block(block),
            FileKind::Project => return true,
            FileKind::Stack if name != "project" => return true,
            FileKind::Stack => {
                Diagnostic::error("misplaced-block", "the `project` block belongs into `mainstay.hcl`")
            }
            FileKind::Terraform if is_terraform => return true,
            FileKind::Terraform => {
                Diagnostic::error("misplaced-block", format!("`{name}` is not one of Terraform's blocks"))
                    .hint("`.tf` files are for Terraform's blocks: put it into a file that ends with `.hcl`")
            }
            FileKind::Environment if name == "environment" => return true,
            FileKind::Environment => Diagnostic::error(
                "misplaced-block",
                format!("`{name}` cannot stand in the folder `environments`"),
            )
            .hint(
                "environments differ in values and clusters only: put it into a file of the project's root",
            ),
        };
        self.faults.push(fault.at(block.header()));
        false
    }

    fn unknown_block(&self, block: &Block) -> Diagnostic {
        let name = block.kind.name.as_ref();
        let fault = Diagnostic::error("unknown-block", format!("there is no block `{name}`"));
        let meant = match name {
            "local" => Some("locals"),
            "cluster" => return fault.hint("a `cluster` block stands inside an `environment` block"),
            _ => diag::closest(name, BLOCKS.into_iter().chain(["locals"])),
        };
        match meant {
            Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
            None => {
                let all: Vec<String> = BLOCKS.iter().chain(&["locals"]).map(|b| format!("`{b}`")).collect();
                fault.hint(format!("there are {}", all.join(", ")))
            }
        }
    }

    fn file(&mut self, mut block: Block, found: &mut Found) {
        match block.kind.name.as_ref() {
            "project" | "locals" => {
                if let Some(extra) = block.labels.first() {
                    let kind = &block.kind.name;
                    self.faults.push(
                        Diagnostic::error("extra-label", format!("`{kind}` has no label"))
                            .at(extra.span)
                            .hint(format!("write it as `{kind} {{ … }}`")),
                    );
                }
                if block.kind.name.as_ref() == "locals" {
                    self.locals(block, found);
                } else if let Some(first) = &found.project {
                    self.faults.push(
                        Diagnostic::error("duplicate-block", "there are two `project` blocks")
                            .at(block.header())
                            .see(first.header(), "first here")
                            .hint("put both into one"),
                    );
                } else {
                    found.project = Some(block);
                }
            }
            kind => {
                let (noun, list) = match kind {
                    "environment" => ("environment", &mut found.environments),
                    "variable" => ("variable", &mut found.variables),
                    "output" => ("output", &mut found.outputs),
                    "service" => ("service", &mut found.services),
                    "image" => ("image", &mut found.images),
                    _ => ("seed", &mut found.seeds),
                };
                if let Some(name) = self.label(&mut block, noun)
                    && self.declare(noun, &name)
                {
                    list.push((name, block));
                }
            }
        }
    }

    /// The one label of a block, taken off it only in thought: the header keeps showing it.
    fn label(&mut self, block: &mut Block, noun: &'static str) -> Option<Identifier> {
        match block.labels.as_slice() {
            [] => {
                self.faults.push(
                    Diagnostic::error("missing-label", format!("`{noun}` needs a name"))
                        .at(block.kind.span)
                        .hint(format!("write it as `{noun} \"NAME\" {{ … }}`")),
                );
                None
            }
            [name, rest @ ..] => {
                let name = name.clone();
                if let Some(extra) = rest.first() {
                    self.faults.push(
                        Diagnostic::error("extra-label", format!("`{noun}` has one label: its name"))
                            .at(extra.span)
                            .hint("remove this one"),
                    );
                }
                self.check_label(&name, noun);
                Some(name)
            }
        }
    }

    fn check_label(&mut self, name: &Identifier, noun: &'static str) {
        match noun {
            "variable" | "output" => {
                if !is_identifier(&name.name) {
                    self.faults.push(
                        Diagnostic::error(
                            "invalid-name",
                            format!("{:?} cannot be the name of a {noun}", name.name),
                        )
                        .at(name.span)
                        .hint("letters, digits, `_` and `-`, beginning with a letter or `_`"),
                    );
                }
            }
            "image" => {
                let part = |p: &str| {
                    p.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                        && p.bytes()
                            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
                };
                if name.name.len() > 200 || !name.name.split('/').all(part) {
                    self.faults.push(
                        Diagnostic::error(
                            "invalid-name",
                            format!("{:?} cannot be the name of an image", name.name),
                        )
                        .at(name.span)
                        .hint(
                            "lower-case letters, digits, `.`, `_` and `-`, in parts between `/`: `shop/web`",
                        ),
                    );
                }
            }
            noun => check_name(&name.name, name.span, noun, &mut self.faults),
        }
    }

    /// Whether a name is new among its kind.
    fn declare(&mut self, noun: &'static str, name: &Identifier) -> bool {
        match self.declared.get(&(noun, name.name.clone())) {
            Some(first) => {
                self.faults.push(
                    Diagnostic::error(
                        "duplicate-declaration",
                        format!("there are two {noun}s `{}`", name.name),
                    )
                    .at(name.span)
                    .see(*first, "first here")
                    .hint("give one of them another name"),
                );
                false
            }
            None => {
                self.declared.insert((noun, name.name.clone()), name.span);
                true
            }
        }
    }

    fn locals(&mut self, block: Block, found: &mut Found) {
        for inner in &block.body.blocks {
            let kind = &inner.kind.name;
            self.faults.push(
                Diagnostic::error("attribute-as-block", format!("`{kind}` is a local, not a block"))
                    .at(inner.header())
                    .hint(format!("write it with `=`: `{kind} = {{ … }}`")),
            );
        }
        for attribute in block.body.attributes {
            if self.declare("local", &attribute.name) {
                found.locals.push((attribute.name, attribute.expr));
            }
        }
    }

    fn project(&mut self, block: Option<Block>, file: Option<Span>) {
        let Some(mut block) = block else {
            let fault =
                Diagnostic::error("missing-block", format!("`{PROJECT_FILE}` has no `project` block"))
                    .hint("add `project { name = \"…\" }`");
            let place = file.map(|f| Span { end: f.start, ..f });
            self.faults.push(match place {
                Some(place) => fault.at(place),
                None => fault,
            });
            return;
        };
        let header = block.header();
        self.resolve(&mut block.body, Allowed::constant("the project"), &[]);
        let scope = ConstantScope { files: self.files, project: "", environment: None };
        let decoded = decode(&block.body, header, "project", &blocks::PROJECT, &[], &scope);
        self.faults.extend(decoded.diagnostics);
        let name = decoded.value.get("name").and_then(|n| n.as_str().map(Arc::from)).unwrap_or_default();
        self.configuration.project = Project { name, header: Some(header) };
    }

    /// Gives every declared name its id, in the order in which the declarations follow.
    fn names(&mut self, found: &Found) {
        let names = &mut self.configuration.names;
        let ids = || 0u32..;
        names.variables =
            found.variables.iter().zip(ids()).map(|((n, _), i)| (n.name.clone(), VariableId(i))).collect();
        names.locals =
            found.locals.iter().zip(ids()).map(|((n, _), i)| (n.name.clone(), LocalId(i))).collect();
        names.services =
            found.services.iter().zip(ids()).map(|((n, _), i)| (n.name.clone(), ServiceId(i))).collect();
        names.images =
            found.images.iter().zip(ids()).map(|((n, _), i)| (n.name.clone(), ImageId(i))).collect();
    }

    fn resolve(&mut self, body: &mut Body, allowed: Allowed, bound: &[&str]) -> Vec<Reference> {
        let mut resolver = Resolver::new(&self.configuration.names, allowed, bound);
        resolver.body(body);
        let resolved = resolver.finish();
        self.faults.extend(resolved.diagnostics);
        resolved.references
    }

    fn resolve_expr(&mut self, expr: &mut Expr, allowed: Allowed, bound: &[&str]) -> Vec<Reference> {
        let mut resolver = Resolver::new(&self.configuration.names, allowed, bound);
        resolver.expr(expr);
        let resolved = resolver.finish();
        self.faults.extend(resolved.diagnostics);
        resolved.references
    }

    fn variable(&mut self, name: Identifier, mut block: Block) {
        debug_assert_eq!(
            next_id(&self.configuration.variables),
            self.configuration.names.variables[&name.name].0
        );
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
    fn conditions(
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

    fn local(&mut self, name: Identifier, mut expr: Expr) {
        let references = self.resolve_expr(&mut expr, Allowed::all("a local"), &[]);
        self.configuration.locals.push(Local { name, expr, references });
    }

    fn service(&mut self, name: Identifier, mut block: Block) {
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
    fn dependencies(&mut self, expr: &Expr) -> Vec<Dependency> {
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

    fn image(&mut self, name: Identifier, mut block: Block) {
        let header = block.header();
        let references = self.resolve(&mut block.body, Allowed::values("an image"), &[]);
        self.configuration.images.push(Image { name, header, body: block.body, references });
    }

    fn seed(&mut self, name: Identifier, mut block: Block) {
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
    fn seeded_service(&mut self, body: &mut Body) -> Option<ServiceId> {
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

    fn output(&mut self, name: Identifier, mut block: Block) {
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

    fn environments(&mut self, found: Vec<(Identifier, Block)>) {
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
