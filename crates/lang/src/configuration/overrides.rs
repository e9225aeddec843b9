//! Override files: `override.tf` and `*_override.tf` change blocks of the other files, argument by argument, before anything in them is
//! looked up. They declare nothing of their own, but providers without an alias.

use std::collections::HashMap;
use std::sync::Arc;

use diag::Diagnostic;

use super::collect::{Collector, Found};
use super::declare::name_of;
use super::environment::take;
use super::grammar::take_blocks;
use super::read::{FileKind, Source};
use crate::address::Mode;
use crate::syntax::{Attribute, Block, Body, ExprKind, Identifier};

/// Applies override files, in the order of their names, to what was found in the others.
pub(super) fn apply(collector: &mut Collector<'_>, sources: Vec<Source>, found: &mut Found) {
    let mut index = Index::new(found);
    for source in sources {
        collector.stray_attributes(&source.body, FileKind::Override);
        for block in source.body.blocks {
            if collector.may_stand(&block, FileKind::Override) {
                change(collector, block, found, &mut index);
            }
        }
    }
}

/// Where blocks with one label are, by kind and name.
struct Index(HashMap<(&'static str, Arc<str>), usize>);

impl Index {
    fn new(found: &Found) -> Self {
        let mut index = HashMap::new();
        let lists = [("variable", &found.variables), ("output", &found.outputs), ("module", &found.calls)];
        for (noun, list) in lists {
            index.extend(list.iter().enumerate().map(|(i, (name, _))| ((noun, name.name.clone()), i)));
        }
        let locals = found.locals.iter().enumerate();
        index.extend(locals.map(|(i, (name, _))| (("local", name.name.clone()), i)));
        let providers = found.providers.iter().enumerate();
        index.extend(providers.map(|(i, (name, block))| (("provider", provider_key(name, block)), i)));
        Self(index)
    }
}

/// A provider's name with the alias of a configuration.
fn provider_key(name: &Identifier, block: &Block) -> Arc<str> {
    let alias = block.body.attribute("alias").and_then(|alias| match &alias.expr.kind {
        ExprKind::Literal(value) => value.as_str(),
        _ => None,
    });
    match alias {
        Some(alias) => format!("{}.{alias}", name.name).into(),
        None => name.name.clone(),
    }
}

fn change(collector: &mut Collector<'_>, block: Block, found: &mut Found, index: &mut Index) {
    match block.kind.name.as_ref() {
        "variable" => labelled(collector, block, "variable", &mut found.variables, index),
        "output" => labelled(collector, block, "output", &mut found.outputs, index),
        "module" => labelled(collector, block, "module", &mut found.calls, index),
        "locals" => locals(collector, block, found, index),
        "provider" => provider(collector, block, found, index),
        "resource" => resource(collector, Mode::Managed, "resource", block, found),
        "data" => resource(collector, Mode::Data, "data", block, found),
        "ephemeral" => resource(collector, Mode::Ephemeral, "ephemeral", block, found),
        "terraform" => settings(block, found),
        "removed" => found.removed.push(block),
        kind => collector.faults.push(
            Diagnostic::error("not-overridable", format!("an override file cannot have `{kind}` blocks"))
                .summary(match kind {
                    "check" => "Can't override check blocks".to_owned(),
                    kind => format!("Cannot override '{kind}' blocks"),
                })
                .at(block.header())
                .hint("move it to a file whose name does not end with `override.tf`"),
        ),
    }
}

/// There is nothing to change.
fn missing(collector: &mut Collector<'_>, what: &str, noun: &str, span: diag::Span) {
    collector.faults.push(
        Diagnostic::error("nothing-to-override", format!("there is no {what} that this could change"))
            .summary(match noun {
                "variable" => "Missing base variable declaration to override",
                "local" => "Missing base local value definition to override",
                "output" => "Missing base output definition to override",
                "module" => "Missing module call to override",
                "data" => "Missing data resource to override",
                "provider" => "Missing base provider configuration for override",
                _ => "Missing resource to override",
            })
            .at(span)
            .because("override files only change what other files declare")
            .hint("declare it in a file whose name does not end with `override.tf`"),
    );
}

fn labelled(
    collector: &mut Collector<'_>,
    block: Block,
    noun: &'static str,
    list: &mut [(Identifier, Block)],
    index: &Index,
) {
    let Some(name) = collector.label(&block, noun) else { return };
    let block = changeable(collector, block);
    if noun == "variable" {
        note_change(collector, &name, &block);
    }
    let base = index.0.get(&(noun, name.name.clone())).and_then(|i| list.get_mut(*i));
    match base {
        Some((_, base)) => merge(&mut base.body, block.body),
        None => missing(collector, &format!("{noun} `{}`", name.name), noun, block.header()),
    }
}

fn locals(collector: &mut Collector<'_>, block: Block, found: &mut Found, index: &Index) {
    for Attribute { name, expr } in block.body.attributes {
        let base = index.0.get(&("local", name.name.clone())).and_then(|i| found.locals.get_mut(*i));
        match base {
            Some(base) => *base = (name, expr),
            None => missing(collector, &format!("local `{}`", name.name), "local", name.span),
        }
    }
}

fn provider(collector: &mut Collector<'_>, block: Block, found: &mut Found, index: &mut Index) {
    let Some([name]) = collector.labels(&block, "provider", ["NAME"]) else { return };
    let key = provider_key(&name, &block);
    let base = index.0.get(&("provider", key.clone())).and_then(|i| found.providers.get_mut(*i));
    match base {
        Some((_, base)) => merge(&mut base.body, block.body),
        // A provider has a configuration without an alias even where nobody writes one.
        None if key == name.name => {
            index.0.insert(("provider", key), found.providers.len());
            found.providers.push((name, block));
        }
        None => {
            missing(collector, &format!("configuration `{key}` of the provider"), "provider", block.header())
        }
    }
}

fn resource(collector: &mut Collector<'_>, mode: Mode, noun: &'static str, block: Block, found: &mut Found) {
    let Some([kind, name]) = collector.labels(&block, noun, ["KIND", "NAME"]) else { return };
    let block = changeable(collector, block);
    let id = collector.configuration.names.resource(mode, &kind.name, &name.name);
    match id.and_then(|id| found.resources.get_mut(id.0 as usize)) {
        Some(base) => merge(&mut base.block.body, block.body),
        // Terraform lets these pass.
        None if collector.is_module && mode == Mode::Ephemeral => {}
        None => {
            missing(collector, &format!("`{noun}` block `{}.{}`", kind.name, name.name), noun, block.header())
        }
    }
}

/// A block without what an override file cannot change.
fn changeable(collector: &mut Collector<'_>, mut block: Block) -> Block {
    if let Some(span) = name_of(&block.body, "depends_on") {
        take(&mut block.body, "depends_on");
        collector.faults.push(
            Diagnostic::error("not-overridable", "an override file cannot change `depends_on`")
                .summary("Unsupported override")
                .at(span)
                .hint("write it where the block is declared"),
        );
    }
    block
}

/// Notes where a default and a type were brought together that were not written together.
fn note_change(collector: &mut Collector<'_>, name: &Identifier, block: &Block) {
    let given = |key: &str| block.body.attribute(key).is_some();
    match (given("type"), given("default")) {
        (false, false) => {}
        (true, true) => {
            collector.changed.remove(&name.name);
        }
        _ => {
            collector.changed.insert(name.name.clone(), block.header());
        }
    }
}

/// The body as the override has it: attributes one by one, nested blocks kind by kind, `lifecycle` argument by argument.
fn merge(base: &mut Body, change: Body) {
    merge_attributes(base, change.attributes);
    let mut lifecycles = Vec::new();
    let mut blocks = Vec::new();
    for block in change.blocks {
        if block.kind.name.as_ref() == "lifecycle" { lifecycles.push(block) } else { blocks.push(block) }
    }
    for lifecycle in lifecycles {
        match base.blocks.iter_mut().find(|b| b.kind.name.as_ref() == "lifecycle") {
            Some(base) => merge(&mut base.body, lifecycle.body),
            None => base.blocks.push(lifecycle),
        }
    }
    // What a `dynamic` block makes counts as its kind.
    base.blocks.retain(|old| !blocks.iter().any(|new| made(new) == made(old)));
    base.blocks.extend(blocks);
}

fn merge_attributes(base: &mut Body, attributes: Vec<Attribute>) {
    if attributes.is_empty() {
        return;
    }
    let mut places: HashMap<Arc<str>, usize> =
        base.attributes.iter().enumerate().map(|(i, a)| (a.name.name.clone(), i)).collect();
    for attribute in attributes {
        let place = places.get(&attribute.name.name).and_then(|i| base.attributes.get_mut(*i));
        match place {
            Some(place) => *place = attribute,
            None => {
                places.insert(attribute.name.name.clone(), base.attributes.len());
                base.attributes.push(attribute);
            }
        }
    }
}

/// The kind of block that a block is or makes.
fn made(block: &Block) -> &str {
    match block.labels.first() {
        Some(label) if block.kind.name.as_ref() == "dynamic" => &label.name,
        _ => &block.kind.name,
    }
}

/// `terraform {}`: versions are replaced, required providers one by one, and any backend by any other.
fn settings(mut change: Block, found: &mut Found) {
    let given = |body: &Body, kind: &str| body.blocks.iter().any(|b| b.kind.name.as_ref() == kind);
    if change.body.attribute("required_version").is_some() {
        for base in &mut found.settings {
            base.body.attributes.retain(|a| a.name.name.as_ref() != "required_version");
        }
    }
    if given(&change.body, "backend") || given(&change.body, "cloud") {
        for base in &mut found.settings {
            base.body.blocks.retain(|b| !matches!(b.kind.name.as_ref(), "backend" | "cloud"));
        }
    }
    for required in take_blocks(&mut change.body, "required_providers") {
        let base = found
            .settings
            .iter_mut()
            .flat_map(|settings| &mut settings.body.blocks)
            .find(|b| b.kind.name.as_ref() == "required_providers");
        match base {
            Some(base) => merge_attributes(&mut base.body, required.body.attributes),
            None => change.body.blocks.push(required),
        }
    }
    found.settings.push(change);
}
