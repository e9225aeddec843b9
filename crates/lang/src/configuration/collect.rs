//! From parsed files to declarations: first every name, then what the names in expressions mean.

use std::collections::HashMap;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Span};

use super::findings::Findings;
use super::overrides;
use super::read::{FileKind, PROJECT_FILE, Source};
use super::scope::ConstantScope;
use super::{Configuration, Project, cycles, registry};
use crate::address::Mode;
use crate::blocks;
use crate::files::ProjectFiles;
use crate::resolve::{
    Allowed, CallId, EnvironmentId, ImageId, LocalId, Repeated, ResourceId, ServiceId, Uses, VariableId,
};
use crate::schema::decode;
use crate::syntax::{Block, Body, Expr, ExprKind, Identifier};

/// Mainstay's own blocks at the top of a file.
const OWN_BLOCKS: [&str; 6] = ["project", "environment", "stack", "service", "image", "seed"];

/// Terraform's blocks at the top of a file.
const TERRAFORM_BLOCKS: [&str; 13] = [
    "variable",
    "output",
    "locals",
    "resource",
    "data",
    "ephemeral",
    "module",
    "provider",
    "terraform",
    "moved",
    "import",
    "removed",
    "check",
];

/// A resource, data source or ephemeral resource as it was found.
pub(super) struct FoundResource {
    pub mode: Mode,
    pub kind: Identifier,
    pub name: Identifier,
    pub block: Block,
    /// The check that it is in.
    pub in_check: Option<u32>,
}

/// Blocks by kind, each with its name.
#[derive(Default)]
pub(super) struct Found {
    pub project: Option<Block>,
    pub environments: Vec<(Identifier, Block)>,
    pub variables: Vec<(Identifier, Block)>,
    pub outputs: Vec<(Identifier, Block)>,
    pub stacks: Vec<(Identifier, Block)>,
    pub services: Vec<(Identifier, Block)>,
    pub images: Vec<(Identifier, Block)>,
    pub seeds: Vec<(Identifier, Block)>,
    pub locals: Vec<(Identifier, Expr)>,
    pub resources: Vec<FoundResource>,
    pub calls: Vec<(Identifier, Block)>,
    pub providers: Vec<(Identifier, Block)>,
    pub settings: Vec<Block>,
    pub moved: Vec<Block>,
    pub removed: Vec<Block>,
    pub imports: Vec<Block>,
    pub checks: Vec<(Identifier, Block)>,
    /// Blocks whose name another has already: what else is wrong with them is told, too.
    again: Vec<(Identifier, Block)>,
    /// The same of resources.
    resources_again: Vec<FoundResource>,
}

pub(super) struct Collector<'a> {
    pub files: &'a dyn ProjectFiles,
    pub configuration: Configuration,
    /// What is wrong with the blocks themselves.
    pub faults: Diagnostics,
    /// What is wrong with the names and functions in expressions.
    pub references: Diagnostics,
    /// What is wrong with names that are looked up only where instances are planned: what replaces a resource, what a module is given.
    pub planning: Diagnostics,
    pub uses: Uses,
    /// Whether this is a module as Terraform has it, and no folder of a project.
    pub is_module: bool,
    /// Variables whose type or default an override file has changed, and where.
    pub changed: HashMap<Arc<str>, Span>,
    /// Where each name was declared first, by kind and name.
    pub declared: HashMap<(&'static str, Arc<str>), Span>,
}

/// What became of the files of a folder.
pub(super) struct Collected {
    pub configuration: Configuration,
    pub findings: Findings,
    /// What expressions use of called modules.
    pub uses: Uses,
}

impl<'a> Collector<'a> {
    pub fn new(files: &'a dyn ProjectFiles, folder: &str, is_module: bool) -> Self {
        Self {
            files,
            configuration: Configuration { folder: folder.into(), ..Configuration::default() },
            faults: Diagnostics::default(),
            references: Diagnostics::default(),
            planning: Diagnostics::default(),
            uses: Uses::default(),
            is_module,
            changed: HashMap::new(),
            declared: HashMap::new(),
        }
    }

    pub fn run(mut self, sources: Vec<Source>) -> Collected {
        let project_file = sources.iter().find(|s| s.kind == FileKind::Project).map(|s| s.body.span);
        let mut found = Found::default();
        let (overriding, sources): (Vec<_>, Vec<_>) =
            sources.into_iter().partition(|source| source.kind == FileKind::Override);
        for source in sources {
            self.gather(source, &mut found);
        }
        if !overriding.is_empty() {
            overrides::apply(&mut self, overriding, &mut found);
        }
        if !self.is_module {
            let place = found.project.as_ref().map(Block::header).or(project_file);
            self.project(found.project.take(), project_file);
            self.stacks(&mut found, place);
        }
        self.names(&found);
        self.settings(std::mem::take(&mut found.settings));
        self.declarations(found);
        for (call, id) in self.configuration.calls.iter_mut().zip(0..) {
            call.outputs = self.uses.take_outputs(CallId(id));
        }
        self.configuration.provider_functions = std::mem::take(&mut self.uses.functions);
        self.configuration.local_order = cycles::local_order(&self.configuration);
        let findings = Findings { blocks: self.faults, references: self.references, planning: self.planning };
        Collected { configuration: self.configuration, findings, uses: self.uses }
    }

    /// Blocks that declare nothing, since something else has their name.
    fn declare_again(&mut self, found: &mut Found) {
        let configuration = &self.configuration;
        let (variables, outputs) = (configuration.variables.len(), configuration.outputs.len());
        let (calls, resources) = (configuration.calls.len(), configuration.resources.len());
        for (name, block) in found.again.drain(..) {
            match block.kind.name.as_ref() {
                "variable" => self.variable(name, block),
                "output" => self.output(name, block),
                "module" => self.call(name, block),
                _ => {}
            }
        }
        for resource in found.resources_again.drain(..) {
            self.resource(resource);
        }
        self.configuration.variables.truncate(variables);
        self.configuration.outputs.truncate(outputs);
        self.configuration.calls.truncate(calls);
        self.configuration.resources.truncate(resources);
    }

    fn declarations(&mut self, mut found: Found) {
        self.declare_again(&mut found);
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
        for resource in found.resources {
            self.resource(resource);
        }
        for (name, block) in found.calls {
            self.call(name, block);
        }
        for (name, block) in found.providers {
            self.provider(name, block);
        }
        for (name, block) in found.outputs {
            self.output(name, block);
        }
        for (index, (name, block)) in (0..).zip(found.checks) {
            self.check(index, name, block);
        }
        for block in found.moved {
            self.moved(block);
        }
        for block in found.removed {
            self.removed(block);
        }
        for block in found.imports {
            self.import(block);
        }
        if !self.is_module {
            self.environments(found.environments);
        }
    }

    /// The blocks of a file by kind; what may not stand in it is a fault.
    fn gather(&mut self, source: Source, found: &mut Found) {
        self.stray_attributes(&source.body, source.kind);
        for block in source.body.blocks {
            if self.may_stand(&block, source.kind) {
                self.file(block, found);
            }
        }
    }

    /// Attributes outside of every block.
    pub(super) fn stray_attributes(&mut self, body: &Body, kind: FileKind) {
        // One whose expression is its name is a block that could not be read: that has been said.
        for attribute in body.attributes.iter().filter(|a| a.expr.span != a.name.span) {
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
    }

    pub(super) fn may_stand(&mut self, block: &Block, kind: FileKind) -> bool {
        let name = block.kind.name.as_ref();
        let is_terraform = TERRAFORM_BLOCKS.contains(&name);
        let is_known = is_terraform || (!self.is_module && OWN_BLOCKS.contains(&name));
        let fault = match kind {
            _ if !is_known => self.unknown_block(block),
            FileKind::Project => return true,
            FileKind::Stack if name != "project" => return true,
            FileKind::Stack => {
                Diagnostic::error("misplaced-block", "the `project` block belongs into `mainstay.hcl`")
            }
            FileKind::Terraform | FileKind::Override if is_terraform => return true,
            FileKind::Terraform | FileKind::Override => {
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
        let own = OWN_BLOCKS.into_iter().filter(|_| !self.is_module);
        let known = || own.clone().chain(TERRAFORM_BLOCKS);
        let meant = match name {
            "local" => Some("locals"),
            "cluster" if !self.is_module => {
                return fault.hint("a `cluster` block stands inside an `environment` block");
            }
            _ => diag::closest(name, known()),
        };
        match meant {
            Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
            None => {
                let all: Vec<String> = known().map(|b| format!("`{b}`")).collect();
                fault.hint(format!("there are {}", all.join(", ")))
            }
        }
    }

    fn file(&mut self, block: Block, found: &mut Found) {
        match block.kind.name.as_ref() {
            "project" => {
                self.labels(&block, "project", []);
                if let Some(first) = &found.project {
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
            "locals" => self.locals(block, found),
            "resource" => self.found_resource(Mode::Managed, block, None, found),
            "data" => self.found_resource(Mode::Data, block, None, found),
            "ephemeral" => self.found_resource(Mode::Ephemeral, block, None, found),
            "check" => self.found_check(block, found),
            "provider" => self.found_provider(block, found),
            kind @ ("terraform" | "moved" | "removed" | "import") => {
                let (noun, list) = match kind {
                    "terraform" => ("terraform", &mut found.settings),
                    "moved" => ("moved", &mut found.moved),
                    "removed" => ("removed", &mut found.removed),
                    _ => ("import", &mut found.imports),
                };
                if self.labels(&block, noun, []).is_some() {
                    list.push(block);
                }
            }
            kind => {
                let (noun, list) = match kind {
                    "environment" => ("environment", &mut found.environments),
                    "variable" => ("variable", &mut found.variables),
                    "output" => ("output", &mut found.outputs),
                    "service" => ("service", &mut found.services),
                    "stack" => ("stack", &mut found.stacks),
                    "image" => ("image", &mut found.images),
                    "module" => ("module", &mut found.calls),
                    _ => ("seed", &mut found.seeds),
                };
                let Some(name) = self.label(&block, noun) else { return };
                if self.declare(noun, &name) {
                    list.push((name, block));
                } else if self.is_module {
                    found.again.push((name, block));
                }
            }
        }
    }

    fn found_resource(&mut self, mode: Mode, block: Block, in_check: Option<u32>, found: &mut Found) {
        let noun = match mode {
            Mode::Managed => "resource",
            Mode::Data => "data",
            Mode::Ephemeral => "ephemeral",
        };
        let Some([kind, name]) = self.labels(&block, noun, ["KIND", "NAME"]) else { return };
        self.check_identifier(&kind, "kind of resource");
        self.check_identifier(&name, "resource");
        let id = ResourceId(u32::try_from(found.resources.len()).unwrap_or(u32::MAX));
        let names = self.configuration.names.resources.entry((mode, kind.name.clone())).or_default();
        if let Some(first) = names.get(&name.name) {
            let first = found.resources.get(first.0 as usize).map_or(name.span, |r| r.block.header());
            let what = format!("`{noun}` blocks `{}.{}`", kind.name, name.name);
            let summary = format!("Duplicate {noun} \"{}\" configuration", kind.name);
            self.duplicate(&what, block.header(), first, summary);
            found.resources_again.push(FoundResource { mode, kind, name, block, in_check: None });
            return;
        }
        names.insert(name.name.clone(), id);
        if let Some(check) = in_check {
            self.configuration.names.scoped.insert(id, check);
        }
        found.resources.push(FoundResource { mode, kind, name, block, in_check });
    }

    /// A check; a data source in it is one of the module's.
    fn found_check(&mut self, mut block: Block, found: &mut Found) {
        let Some(name) = self.label(&block, "check") else { return };
        if !self.declare("check", &name) {
            return;
        }
        let index = u32::try_from(found.checks.len()).unwrap_or(u32::MAX);
        let (data, rest): (Vec<Block>, Vec<Block>) =
            std::mem::take(&mut block.body.blocks).into_iter().partition(|b| b.kind.name.as_ref() == "data");
        block.body.blocks = rest;
        if let [first, second, ..] = data.as_slice() {
            self.faults.push(
                Diagnostic::error("duplicate-block", "a check has at most one `data` block")
                    .summary("Multiple data resource blocks")
                    .at(second.header())
                    .see(first.header(), "the first one")
                    .hint("put the other one into a check of its own"),
            );
        }
        for data in data.into_iter().take(1) {
            self.found_resource(Mode::Data, data, Some(index), found);
        }
        found.checks.push((name, block));
    }

    /// A provider's configuration; a name may come again under another alias.
    fn found_provider(&mut self, block: Block, found: &mut Found) {
        let Some([name]) = self.labels(&block, "provider", ["NAME"]) else { return };
        self.check_provider_name(&name);
        let alias = block.body.attribute("alias").and_then(|a| match &a.expr.kind {
            ExprKind::Literal(value) => value.as_str().map(str::to_owned),
            _ => None,
        });
        let (key, what) = match alias {
            Some(alias) => {
                let key = format!("{}.{alias}", name.name);
                let what = format!("configurations of the provider `{}` with the alias `{alias}`", name.name);
                (key.into(), what)
            }
            None => (
                name.name.clone(),
                format!("configurations of the provider `{}` without an alias", name.name),
            ),
        };
        match self.declared.get(&("provider", key.clone())) {
            Some(first) => {
                let first = *first;
                self.faults.push(
                    Diagnostic::error("duplicate-declaration", format!("there are two {what}"))
                        .summary("Duplicate provider configuration")
                        .at(block.header())
                        .see(first, "first here")
                        .hint("give one of them an `alias` of its own"),
                );
            }
            None => {
                self.declared.insert(("provider", key), block.header());
                found.providers.push((name, block));
            }
        }
    }

    fn locals(&mut self, block: Block, found: &mut Found) {
        if self.labels(&block, "locals", []).is_none() {
            return;
        }
        for inner in &block.body.blocks {
            let kind = &inner.kind.name;
            self.faults.push(
                Diagnostic::error("attribute-as-block", format!("`{kind}` is a local, not a block"))
                    .at(inner.header())
                    .hint(format!("write it with `=`: `{kind} = {{ … }}`")),
            );
        }
        for attribute in block.body.attributes {
            self.check_identifier(&attribute.name, "local");
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
        let registries = registry::registries(&block, &decoded.value, &mut self.faults);
        self.configuration.project = Project { name, header: Some(header), registries };
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
        if !self.is_module {
            let environments = found.environments.iter().zip(ids());
            names.environments = environments.map(|((n, _), i)| (n.name.clone(), EnvironmentId(i))).collect();
        }
        names.repeated = found
            .resources
            .iter()
            .map(|resource| {
                let given = |name: &str| resource.block.body.attribute(name).is_some();
                match (given("count"), given("for_each")) {
                    (true, _) => Repeated::Count,
                    (_, true) => Repeated::ForEach,
                    _ => Repeated::Once,
                }
            })
            .collect();
        names.calls = found.calls.iter().zip(ids()).map(|((n, _), i)| (n.name.clone(), CallId(i))).collect();
    }
}
