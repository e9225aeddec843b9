//! What Terraform's blocks declare. Names are resolved; nothing is evaluated.

use std::sync::Arc;

use diag::Span;

use super::declaration::{Condition, Dependency};
use crate::address::{Mode, Target};
use crate::resolve::Reference;
use crate::syntax::{Block, Body, Expr, Identifier};

/// `resource "kind" "name" {}`, `data`, `ephemeral`.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Which of the three.
    pub mode: Mode,
    /// `aws_vpc`.
    pub kind: Identifier,
    /// Its name.
    pub name: Identifier,
    /// Where its block begins.
    pub header: Span,
    /// `count`.
    pub count: Option<Expr>,
    /// `for_each`.
    pub for_each: Option<Expr>,
    /// `depends_on`.
    pub depends_on: Vec<Dependency>,
    /// `provider`; without it, the default configuration of the provider that the kind's first word names.
    pub provider: Option<ProviderReference>,
    /// `lifecycle`.
    pub lifecycle: Lifecycle,
    /// `provisioner`s, in their order.
    pub provisioners: Vec<Provisioner>,
    /// `connection` of all provisioners.
    pub connection: Option<Body>,
    /// The check block that it is nested in: its index among the checks.
    pub in_check: Option<u32>,
    /// The rest: what the provider's schema describes.
    pub body: Body,
    /// What the body, `count`, `for_each`, conditions and triggers refer to, each once; provisioners and `depends_on` are apart.
    pub references: Vec<Reference>,
}

/// `lifecycle {}`.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    /// Whether a replacement is made before what it replaces is removed; `None` where nothing is said.
    pub create_before_destroy: Option<bool>,
    /// Whether removing it is refused, and where that is said.
    pub prevent_destroy: Option<Span>,
    /// What of it is left as it is.
    pub ignore_changes: IgnoreChanges,
    /// What replaces it when it changes: each resolves to a resource and steps into it. May refer to `count` and `each`.
    pub replace_triggered_by: Vec<Expr>,
    /// What has to hold before it is planned.
    pub preconditions: Vec<Condition>,
    /// What has to hold of the result; may refer to `self`.
    pub postconditions: Vec<Condition>,
}

/// `ignore_changes`.
#[derive(Debug, Clone, Default)]
pub enum IgnoreChanges {
    /// Nothing is ignored.
    #[default]
    Nothing,
    /// These places: each is a traversal within the resource (`tags["x"]`), as steps with its place.
    Places(Vec<(value::Path, Span)>),
    /// Everything.
    All,
}

/// `provisioner "kind" {}`.
#[derive(Debug, Clone)]
pub struct Provisioner {
    /// `local-exec`.
    pub kind: Identifier,
    /// Whether it runs before the object is removed instead of after it was made.
    pub when_destroyed: bool,
    /// Whether a failure of it is only told.
    pub continues_on_failure: bool,
    /// A connection of its own.
    pub connection: Option<Body>,
    /// Its arguments.
    pub body: Body,
    /// What arguments and connection refer to.
    pub references: Vec<Reference>,
    /// Where its block begins.
    pub header: Span,
}

/// `aws` or `aws.eu`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderReference {
    /// The provider's name in this module.
    pub name: Arc<str>,
    /// Which of its configurations.
    pub alias: Option<Arc<str>>,
    /// Where it is said.
    pub span: Span,
}

/// `module "name" {}`.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its name.
    pub name: Identifier,
    /// Whether it is a stack of a project.
    pub is_stack: bool,
    /// Where its block begins.
    pub header: Span,
    /// Where the module is to be had.
    pub source: Option<(Arc<str>, Span)>,
    /// Which versions of it will do.
    pub version: Option<(Arc<str>, Span)>,
    /// `count`.
    pub count: Option<Expr>,
    /// `for_each`.
    pub for_each: Option<Expr>,
    /// `depends_on`.
    pub depends_on: Vec<Dependency>,
    /// `providers`: the name in the called module, and the configuration here; `None` where it is not given.
    pub providers: Option<Vec<(ProviderReference, ProviderReference)>>,
    /// Values of the module's variables: the attributes of the body.
    pub body: Body,
    /// What the body, `count` and `for_each` refer to.
    pub references: Vec<Reference>,
    /// The module's outputs that this one refers to, by name, with the first place; [`Reference::ModuleOutput`] counts in it.
    pub outputs: Vec<(Arc<str>, Span)>,
}

/// `provider "name" {}`.
#[derive(Debug, Clone)]
pub struct ProviderConfiguration {
    /// The provider's name in this module.
    pub name: Identifier,
    /// Which of its configurations.
    pub alias: Option<Identifier>,
    /// Which versions of the provider will do, as it was written before `required_providers` was there.
    pub version: Option<(Arc<str>, Span)>,
    /// Where its block begins.
    pub header: Span,
    /// What the provider's schema describes.
    pub body: Body,
    /// What it refers to.
    pub references: Vec<Reference>,
}

/// An entry of `required_providers`.
#[derive(Debug, Clone)]
pub struct RequiredProvider {
    /// The provider's name in this module.
    pub name: Identifier,
    /// `hashicorp/aws`, `registry.example.com/a/b`; none where only a version is said.
    pub source: Option<(Arc<str>, Span)>,
    /// Version constraints.
    pub version: Option<(Arc<str>, Span)>,
    /// `configuration_aliases`.
    pub aliases: Vec<ProviderReference>,
}

/// `moved {}`.
#[derive(Debug, Clone)]
pub struct Moved {
    /// As it was, relative to this module.
    pub from: (Target, Span),
    /// As it is.
    pub to: (Target, Span),
    /// Where its block begins.
    pub header: Span,
}

/// `removed {}`.
#[derive(Debug, Clone)]
pub struct Removed {
    /// What is no longer described; without keys.
    pub from: (Target, Span),
    /// Whether the objects are removed, or only forgotten.
    pub destroys: bool,
    /// What runs before an object is removed.
    pub provisioners: Vec<Provisioner>,
    /// Where its block begins.
    pub header: Span,
}

/// `import {}`, of the root module only.
#[derive(Debug, Clone)]
pub struct Import {
    /// The resource, without its last key.
    pub to: Target,
    /// The key of the instance, where there is one; may refer to `each`.
    pub key: Option<Expr>,
    /// Keys of modules in `to` that are no constants: which step of the module path, and its key; may refer to `each`.
    pub module_keys: Vec<(usize, Expr)>,
    /// Where `to` stands.
    pub to_span: Span,
    /// What the provider knows it by.
    pub id: Expr,
    /// `for_each`.
    pub for_each: Option<Expr>,
    /// `provider`.
    pub provider: Option<ProviderReference>,
    /// What all of these refer to.
    pub references: Vec<Reference>,
    /// Where its block begins.
    pub header: Span,
}

/// `check "name" {}`. A data source in it is among the resources.
#[derive(Debug, Clone)]
pub struct Check {
    /// Its name.
    pub name: Identifier,
    /// What has to hold.
    pub assertions: Vec<Condition>,
    /// What these refer to.
    pub references: Vec<Reference>,
    /// Where its block begins.
    pub header: Span,
}

/// `terraform {}`, all of them together.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `required_version`.
    pub required_versions: Vec<(Arc<str>, Span)>,
    /// `required_providers`.
    pub required_providers: Vec<RequiredProvider>,
    /// `backend "kind" {}` or `cloud {}`.
    pub backend: Option<Block>,
    /// `provider_meta "name" {}`: what a module tells a provider about itself.
    pub provider_meta: Vec<Block>,
}
