//! What a body must look like before anything in it is evaluated: known names, nothing twice, nothing missing.

use std::collections::HashMap;

use diag::{Diagnostic, Diagnostics, Span, closest};

use super::{Block, Given, NestedBlock, Nesting, dynamic};
use crate::syntax::{Attribute, Block as SyntaxBlock, Body};

/// Attributes that any repeatable block may have beside its own, read by whoever repeats it.
pub(super) struct Place<'a> {
    /// The block as messages name it: `service`.
    pub what: &'a str,
    /// Its header, for what is missing.
    pub header: Span,
    /// Attributes that are not the schema's and are read elsewhere: `count`, `for_each`.
    pub beside: &'a [&'a str],
}

/// All faults of a body's shape.
pub(super) fn check(body: &Body, schema: &Block, place: &Place<'_>, faults: &mut Diagnostics) {
    let mut seen: HashMap<&str, &Attribute> = HashMap::with_capacity(body.attributes.len());
    for attribute in &body.attributes {
        let name = attribute.name.name.as_ref();
        if let Some(first) = seen.get(name) {
            faults.push(
                Diagnostic::error("duplicate-attribute", format!("`{name}` is given twice"))
                    .at(attribute.name.span)
                    .see(first.name.span, "first here")
                    .hint("remove one of them"),
            );
            continue;
        }
        seen.insert(name, attribute);
        match schema.attribute(name) {
            Some(a) if a.given == Given::Computed => faults.push(
                Diagnostic::error(
                    "computed-attribute",
                    format!("`{name}` cannot be set: only an apply tells it"),
                )
                .summary(format!("\"{name}\" attribute is read-only"))
                .at(attribute.name.span)
                .hint(format!("remove it; other blocks read it as `{}.{name}`", address(place.what))),
            ),
            Some(_) => {}
            None if place.beside.contains(&name) => {}
            None => {
                let fault = unknown_attribute(attribute, schema, place);
                faults.push(if body.is_json {
                    fault.summary("Extraneous JSON object property")
                } else {
                    fault
                });
            }
        }
    }
    for block in &body.blocks {
        if block.kind.name.as_ref() == "dynamic" {
            dynamic_label(block, schema, place, faults);
        } else {
            block_shape(block, schema, place, faults);
        }
    }
    repeated(body, schema, faults);
    missing(body, schema, place, faults);
    choices(body, schema, place, faults);
}

fn unknown_attribute(attribute: &Attribute, schema: &Block, place: &Place<'_>) -> Diagnostic {
    let name = attribute.name.name.as_ref();
    let what = place.what;
    if let Some(nested) = schema.nested(name) {
        let label = if matches!(nested.nesting, Nesting::Map { .. }) { " \"NAME\"" } else { "" };
        return Diagnostic::error("block-as-attribute", format!("`{name}` is a block, not an attribute"))
            .at(attribute.name.span)
            .hint(format!("write it without `=`: `{name}{label} {{ … }}`"));
    }
    let fault = Diagnostic::error("unknown-attribute", format!("`{what}` has no attribute `{name}`"))
        .at(attribute.name.span);
    let known = schema.attributes.iter().filter(|a| a.given != Given::Computed).map(|a| a.name.as_ref());
    let beside = place.beside.iter().copied();
    match closest(name, known.clone().chain(beside).chain(schema.blocks.iter().map(|b| b.name.as_ref()))) {
        Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
        None => match schema.blocks.iter().find(|b| b.block.attribute(name).is_some()) {
            Some(nested) => fault.hint(format!("it goes into `{} {{ … }}`", nested.name)),
            None => fault.hint(format!("it has {}", list(known))),
        },
    }
}

/// How expressions name what messages call `service "web"`.
fn address(what: &str) -> String {
    what.replace(" \"", ".").replace('"', "")
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

fn block_shape(block: &SyntaxBlock, schema: &Block, place: &Place<'_>, faults: &mut Diagnostics) {
    let name = block.kind.name.as_ref();
    let Some(nested) = schema.nested(name) else {
        let fault = if schema.attribute(name).is_some() {
            Diagnostic::error("attribute-as-block", format!("`{name}` is an attribute, not a block"))
                .at(block.kind.span)
                .hint(format!("write it with `=`: `{name} = …`"))
        } else {
            let fault = Diagnostic::error("unknown-block", format!("`{}` has no block `{name}`", place.what))
                .at(block.kind.span);
            let names = schema.blocks.iter().map(|b| b.name.as_ref());
            match closest(name, names.clone().chain(schema.attributes.iter().map(|a| a.name.as_ref()))) {
                Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                None if schema.blocks.is_empty() => {
                    fault.hint(format!("`{}` has attributes only", place.what))
                }
                None => fault.hint(format!("it has {}", list(names))),
            }
        };
        faults.push(fault);
        return;
    };
    match (nested.nesting, block.labels.as_slice()) {
        (Nesting::Map { label }, []) => faults.push(
            Diagnostic::error("missing-label", format!("`{name}` needs a {label}")).at(block.kind.span).hint(
                format!("write it as `{name} \"{}\" {{ … }}`", if name == "port" { "http" } else { "NAME" }),
            ),
        ),
        (Nesting::Map { label }, [_, extra, ..]) => faults.push(
            Diagnostic::error("extra-label", format!("`{name}` has one label: its {label}"))
                .at(extra.span)
                .hint("remove this one"),
        ),
        (Nesting::Single { .. } | Nesting::List | Nesting::Set, [label, ..]) => faults.push(
            Diagnostic::error("extra-label", format!("`{name}` has no label"))
                .at(label.span)
                .hint(format!("write it as `{name} {{ … }}`")),
        ),
        _ => {}
    }
}

fn dynamic_label(block: &SyntaxBlock, schema: &Block, place: &Place<'_>, faults: &mut Diagnostics) {
    let [label] = block.labels.as_slice() else {
        faults.push(
            Diagnostic::error(
                "dynamic-label",
                "`dynamic` has one label: the type of the blocks that it makes",
            )
            .at(block.header())
            .hint(format!(
                "write it as `dynamic \"{}\" {{ … }}`",
                schema.blocks.first().map_or("port", |b| b.name.as_ref())
            )),
        );
        return;
    };
    if schema.nested(&label.name).is_none() {
        let fault =
            Diagnostic::error("unknown-block", format!("`{}` has no block `{}`", place.what, label.name))
                .at(label.span);
        faults.push(match closest(&label.name, schema.blocks.iter().map(|b| b.name.as_ref())) {
            Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
            None => fault.hint(format!("it has {}", list(schema.blocks.iter().map(|b| b.name.as_ref())))),
        });
    }
}

/// Blocks that may come once, and labels that may.
fn repeated(body: &Body, schema: &Block, faults: &mut Diagnostics) {
    for nested in &schema.blocks {
        let blocks: Vec<&SyntaxBlock> = body.blocks_of(&nested.name).collect();
        match nested.nesting {
            Nesting::List | Nesting::Set => number(nested, &blocks, body, faults),
            Nesting::Single { .. } => {
                if let [first, second, ..] = blocks.as_slice() {
                    faults.push(
                        Diagnostic::error("duplicate-block", format!("`{}` is given twice", nested.name))
                            .at(second.kind.span)
                            .see(first.kind.span, "first here")
                            .hint("remove one of them"),
                    );
                }
            }
            Nesting::Map { label: noun } => {
                let mut seen: HashMap<&str, Span> = HashMap::new();
                for label in blocks.iter().filter_map(|b| b.labels.first()) {
                    if let Some(first) = seen.get(label.name.as_ref()) {
                        faults.push(
                            Diagnostic::error(
                                "duplicate-block",
                                format!(
                                    "there are two `{}` blocks with the {noun} `{}`",
                                    nested.name, label.name
                                ),
                            )
                            .at(label.span)
                            .see(*first, "first here")
                            .hint(format!("give one of them another {noun}")),
                        );
                    } else {
                        seen.insert(&label.name, label.span);
                    }
                }
            }
        }
    }
}

/// How many blocks of a type there have to be and may be; not certain where some are dynamic.
fn number(nested: &NestedBlock, blocks: &[&SyntaxBlock], body: &Body, faults: &mut Diagnostics) {
    let written = blocks.len() as u64;
    if body.blocks.iter().any(|block| dynamic::makes(block, &nested.name)) {
        return;
    }
    let name = &nested.name;
    if written < nested.min {
        let fault = Diagnostic::error(
            "too-few-blocks",
            format!("at least {} `{name}` blocks are needed, and there are {written}", nested.min),
        );
        let end = Span { start: body.span.end, ..body.span };
        let fault = fault.at(blocks.last().map_or(end, |block| block.kind.span));
        faults.push(fault.hint(format!("add `{name} {{ … }}`")));
    } else if nested.max > 0 && written > nested.max {
        let fault = Diagnostic::error(
            "too-many-blocks",
            format!("at most {} `{name}` blocks are allowed, and there are {written}", nested.max),
        );
        if let Some(first) = blocks.get(usize::try_from(nested.max).unwrap_or(usize::MAX)) {
            faults.push(fault.at(first.kind.span).hint("remove this one"));
        }
    }
}

fn missing(body: &Body, schema: &Block, place: &Place<'_>, faults: &mut Diagnostics) {
    for attribute in schema.attributes.iter().filter(|a| a.given == Given::Required) {
        if body.attribute(&attribute.name).is_none() {
            faults.push(
                Diagnostic::error(
                    "missing-attribute",
                    format!("`{}` needs `{}`", place.what, attribute.name),
                )
                .at(if body.is_json { body.span } else { place.header })
                .hint(if attribute.doc.is_empty() {
                    format!("add `{} = …`", attribute.name)
                } else {
                    format!("add `{} = …`: {}", attribute.name, attribute.doc)
                }),
            );
        }
    }
}

fn choices(body: &Body, schema: &Block, place: &Place<'_>, faults: &mut Diagnostics) {
    for choice in &schema.choices {
        let given: Vec<&Attribute> = choice.of.iter().filter_map(|name| body.attribute(name)).collect();
        let names = choice.of.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>();
        match given.as_slice() {
            [] if choice.required => faults.push(
                Diagnostic::error(
                    "missing-attribute",
                    format!("`{}` needs one of {}", place.what, names.join(", ")),
                )
                .at(if body.is_json { body.span } else { place.header })
                .hint(format!("add {}", names.join(" or "))),
            ),
            [first, second, ..] => faults.push(
                Diagnostic::error(
                    "conflicting-attributes",
                    format!("`{}` and `{}` exclude each other", first.name.name, second.name.name),
                )
                .at(second.name.span)
                .see(first.name.span, "the other one")
                .hint("keep one of them"),
            ),
            _ => {}
        }
    }
}
