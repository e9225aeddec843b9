//! From parsed files to declarations: first every name, then what the names in expressions mean.

use std::collections::HashMap;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Span};

use super::environment::check_name;
use super::load::{FileKind, PROJECT_FILE, Source};
use super::scope::ConstantScope;
use super::{Configuration, Project, cycles};
use crate::blocks;
use crate::files::ProjectFiles;
use crate::resolve::{Allowed, ImageId, LocalId, ServiceId, VariableId};
use crate::schema::decode;
use crate::syntax::{Block, Expr, Identifier, is_identifier};

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
    pub files: &'a dyn ProjectFiles,
    pub configuration: Configuration,
    pub faults: Diagnostics,
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
}
