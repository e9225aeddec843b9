//! `terraform {}`: what a module needs, and where a stack's state is. Versions are kept as they are written; who knows this
//! program's version and those of providers compares them.

use diag::{Diagnostic, Span};

use super::super::collect::Collector;
use super::super::environment::take;
use super::super::grammar::take_blocks;
use super::super::terraform::{ProviderReference, RequiredProvider, Settings};
use super::resource::name_of;
use crate::syntax::{Attribute, Block, Expr, ExprKind};

fn is_none(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Literal(value) if value.is_null())
}

/// Whether it is no number, bool or null.
fn may_be_text(expr: &Expr) -> bool {
    !matches!(&expr.kind, ExprKind::Literal(value) if value.as_str().is_none())
}

impl Collector<'_> {
    pub(in super::super) fn settings(&mut self, blocks: Vec<Block>) {
        let mut settings = Settings::default();
        let mut requirements: Option<Span> = None;
        for mut block in blocks {
            let body = &mut block.body;
            if let Some(expr) = take(body, "required_version")
                && let Some(version) = self.placed_text(expr, "required_version")
            {
                settings.required_versions.push(version);
            }
            self.experiments(body);
            for required in take_blocks(body, "required_providers") {
                self.labels(&required, "required_providers", []);
                if let Some(first) = requirements {
                    self.faults.push(
                        Diagnostic::error("duplicate-block", "a module has one `required_providers` block")
                            .summary("Duplicate required providers configuration")
                            .at(required.header())
                            .see(first, "first here")
                            .hint("put both into one"),
                    );
                } else {
                    requirements = Some(required.header());
                    self.required_providers(required, &mut settings);
                }
            }
            let backends = take_blocks(body, "backend").into_iter().chain(take_blocks(body, "cloud"));
            for backend in backends {
                self.backend(backend, &mut settings);
            }
            for meta in take_blocks(body, "provider_meta") {
                self.provider_meta(meta, &mut settings);
            }
            self.only(
                body,
                "terraform",
                &["required_version"],
                &["required_providers", "backend", "cloud", "provider_meta"],
            );
        }
        let required = settings.required_providers.iter().map(|p| p.name.name.clone());
        self.configuration.names.providers = required.collect();
        self.configuration.settings = settings;
    }

    fn experiments(&mut self, body: &mut crate::syntax::Body) {
        if let Some(span) = name_of(body, "experiments") {
            take(body, "experiments");
            self.faults.push(
                Diagnostic::error("experiment", "experiments of Terraform are not available")
                    .at(span)
                    .hint("leave `experiments` out"),
            );
        }
        // An edition of the language: there is one, and its name is a word.
        if let Some(expr) = take(body, "language")
            && !matches!(&expr.kind, ExprKind::Name(name) if name.as_ref() == "TF2021")
        {
            self.faults.push(
                Diagnostic::error("unknown-language", "there is no such edition of the language")
                    .at(expr.span)
                    .hint("leave `language` out"),
            );
        }
    }

    fn backend(&mut self, backend: Block, settings: &mut Settings) {
        let header = backend.header();
        match backend.kind.name.as_ref() {
            "cloud" => {
                self.labels(&backend, "cloud", []);
            }
            _ => {
                if self.labels(&backend, "backend", ["KIND"]).is_none() {
                    return;
                }
            }
        }
        let Some(first) = &settings.backend else {
            self.duplicates(&backend.body);
            settings.backend = Some(backend);
            return;
        };
        let (one, other) = (first.header(), header);
        let fault = if first.kind.name == backend.kind.name {
            let kind = &backend.kind.name;
            Diagnostic::error("duplicate-block", format!("a module has one `{kind}` block"))
                .summary(format!("Duplicate {kind} configuration"))
                .at(other)
                .see(one, "first here")
        } else {
            Diagnostic::error("duplicate-block", "`backend` and `cloud` exclude each other")
                .summary("Both a backend and cloud configuration are present")
                .at(one)
                .see(other, "the other one")
        };
        self.faults.push(fault.hint("keep one of them"));
    }

    fn provider_meta(&mut self, meta: Block, settings: &mut Settings) {
        let Some([name]) = self.labels(&meta, "provider_meta", ["PROVIDER"]) else { return };
        let same = |known: &Block| known.labels.first().is_some_and(|label| label.name == name.name);
        match settings.provider_meta.iter().find(|known| same(known)) {
            Some(first) => {
                let first = first.header();
                let summary = "Duplicate provider_meta block".to_owned();
                self.duplicate(
                    &format!("`provider_meta` blocks of `{}`", name.name),
                    meta.header(),
                    first,
                    summary,
                );
            }
            None => settings.provider_meta.push(meta),
        }
    }

    fn required_providers(&mut self, mut block: Block, settings: &mut Settings) {
        for Attribute { name, expr } in std::mem::take(&mut block.body.attributes) {
            self.check_provider_name(&name);
            if settings.required_providers.iter().any(|known| known.name.name == name.name) {
                let first = settings.required_providers.iter().find(|known| known.name.name == name.name);
                let first = first.map_or(name.span, |known| known.name.span);
                let summary = "Attribute redefined".to_owned();
                self.duplicate(
                    &format!("requirements of the provider `{}`", name.name),
                    name.span,
                    first,
                    summary,
                );
                continue;
            }
            let mut required = RequiredProvider { name, source: None, version: None, aliases: Vec::new() };
            let before = self.faults.0.len();
            match expr.kind {
                ExprKind::Object(items) => {
                    for item in items {
                        self.requirement(item.key, item.value, &mut required);
                    }
                }
                ExprKind::Broken if !self.is_module => {}
                ExprKind::Broken | ExprKind::Tuple(_) => self.faults.push(
                    Diagnostic::error("invalid-requirement", "a required provider is an object")
                        .at(expr.span)
                        .summary("Invalid required_providers object")
                        .hint("write it as in `aws = { source = \"hashicorp/aws\", version = \"~> 5.0\" }`"),
                ),
                ExprKind::Literal(value) if value.is_null() => {
                    self.not_text(
                        expr.span,
                        &required.name.name.clone(),
                        "Invalid required_providers object",
                    );
                }
                // What Terraform before 0.13 wrote: only a version.
                _ => required.version = self.placed_text(expr, "version"),
            }
            // With a fault in it, it says nothing.
            if !self.is_module || self.faults.0.len() == before {
                settings.required_providers.push(required);
            }
        }
        self.only(&block.body, "required_providers", &[], &[]);
    }

    fn requirement(&mut self, key: Expr, value: Expr, required: &mut RequiredProvider) {
        let name = match &key.kind {
            ExprKind::Literal(name) => name.as_str().unwrap_or_default(),
            _ => "",
        };
        const VERSION: &str = "Invalid version constraint";
        const SOURCE: &str = "Invalid source";
        let before = self.faults.0.len();
        match name {
            "version" if is_none(&value) => self.not_text(value.span, name, VERSION),
            "version" => {
                required.version = self.placed_text(value, "version");
                self.summarize(before, VERSION);
            }
            "source" if !may_be_text(&value) => self.not_text(value.span, name, SOURCE),
            "source" => {
                required.source = self.placed_text(value, "source");
                self.summarize(before, SOURCE);
                if let Some((source, span)) = &required.source {
                    let (source, span) = (source.clone(), *span);
                    self.check_source(&source, span);
                }
            }
            "configuration_aliases" => {
                let aliases = self.references(value, "configuration_aliases", "aws.eu").unwrap_or_default();
                for alias in aliases {
                    let found = self.provider_reference(alias, "configuration_aliases");
                    required.aliases.extend(found.filter(|alias| self.is_of(alias, required)));
                }
                self.summarize(before, "Invalid configuration_aliases value");
            }
            _ => self.faults.push(
                Diagnostic::error("unknown-attribute", "a required provider has no such attribute")
                    .summary("Invalid required_providers object")
                    .at(key.span)
                    .hint("it has `source`, `version` and `configuration_aliases`"),
            ),
        }
    }

    fn not_text(&mut self, span: Span, what: &str, summary: &'static str) {
        let fault = Diagnostic::error("wrong-type", format!("`{what}` has to be a string")).at(span);
        self.faults.push(fault.summary(summary));
    }

    /// Names the faults since then as Terraform does.
    fn summarize(&mut self, before: usize, summary: &'static str) {
        for fault in &mut self.faults.0[before..] {
            fault.summary = Some(summary.into());
        }
    }

    fn is_of(&mut self, alias: &ProviderReference, required: &RequiredProvider) -> bool {
        let name = &required.name.name;
        let is_its = alias.name == *name && alias.alias.is_some();
        if !is_its {
            let meant = alias.alias.as_deref().unwrap_or("ALIAS");
            self.faults.push(
                Diagnostic::error("invalid-provider", format!("an alias of `{name}` begins with `{name}.`"))
                    .at(alias.span)
                    .hint(format!("write `{name}.{meant}`")),
            );
        }
        is_its
    }

    /// `[HOST/][NAMESPACE/]NAME`.
    fn check_source(&mut self, source: &str, span: Span) {
        let parts: Vec<&str> = source.split('/').collect();
        let is_name = |part: &&str| {
            let belongs = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
            !part.is_empty() && part.chars().all(belongs) && !part.starts_with('-') && !part.ends_with('-')
        };
        let is_host = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | ':'))
        };
        let fits = match parts.as_slice() {
            [host, rest @ ..] if rest.len() == 2 => is_host(host) && rest.iter().all(is_name),
            rest => rest.len() <= 2 && rest.iter().all(is_name),
        };
        if !fits {
            self.faults.push(
                Diagnostic::error("invalid-source", format!("{source:?} is not the address of a provider"))
                    .at(span)
                    .hint("write it as in `hashicorp/aws` or `registry.example.com/acme/cloud`"),
            );
        }
    }
}
