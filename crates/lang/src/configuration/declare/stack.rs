//! Stacks of a project: folders of Terraform's configuration below `stacks`, each called by the project's root as a module of its name.
//! A folder is a stack by being there; a `stack` block gives it values.

use diag::{Diagnostic, Span};
use value::Value;

use super::super::collect::{Collector, Found};
use crate::files::EntryKind;
use crate::syntax::{Attribute, Block, Body, Expr, ExprKind, Identifier};

/// The folder of a project whose folders are stacks.
pub(in super::super) const STACKS: &str = "stacks";

/// The kind of block.
pub(in super::super) const STACK: &str = "stack";

impl Collector<'_> {
    /// Makes calls of stacks: those with a block, then the folders that have none.
    pub(in super::super) fn stacks(&mut self, found: &mut Found, place: Option<Span>) {
        let named = std::mem::take(&mut found.stacks);
        let folders = self.stack_folders();
        let mut missing: Vec<String> = folders.clone();
        for (name, mut block) in named {
            missing.retain(|folder| *folder != *name.name);
            if let Some((_, first)) = found.calls.iter().find(|(other, _)| other.name == name.name) {
                let message = format!("there is a module `{}` beside the stack of that name", name.name);
                self.faults.push(
                    Diagnostic::error("duplicate-declaration", message)
                        .at(block.header())
                        .see(first.header(), "the module")
                        .hint("give one of them another name"),
                );
                continue;
            }
            for argument in ["count", "for_each"] {
                if let Some(attribute) = block.body.attribute(argument) {
                    self.faults.push(
                        Diagnostic::error("unknown-attribute", format!("a stack has no `{argument}`"))
                            .at(attribute.name.span)
                            .hint("several of the same are modules in a stack, or environments"),
                    );
                }
            }
            if block.body.attribute("source").is_none() {
                if !folders.iter().any(|folder| *folder == *name.name) {
                    let message = format!("there is no folder `{STACKS}/{}` with `.tf` files", name.name);
                    let fault = Diagnostic::error("no-stack", message).at(name.span);
                    self.faults.push(match diag::closest(&name.name, folders.iter().map(String::as_str)) {
                        Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                        None => fault.hint("make the folder, or say where the stack is with `source`"),
                    });
                    continue;
                }
                let source = source(&name.name, name.span);
                block.body.attributes.push(source);
            }
            found.calls.push((name, block));
        }
        let Some(span) = place else { return };
        for folder in missing {
            let name = Identifier { name: folder.as_str().into(), span };
            let mut body = Body { attributes: Vec::new(), blocks: Vec::new(), span, is_json: false };
            body.attributes.push(source(&folder, span));
            let kind = Identifier { name: STACK.into(), span };
            if found.calls.iter().all(|(other, _)| other.name != name.name) {
                found.calls.push((name.clone(), Block { kind, labels: vec![name], body }));
            }
        }
    }

    /// The folders below `stacks` that hold configuration, in order.
    fn stack_folders(&self) -> Vec<String> {
        let entries = self.files.list(STACKS).unwrap_or_default();
        let folders = entries.into_iter().filter(|entry| entry.kind == EntryKind::Folder);
        let holds = |folder: &String| {
            let inner = self.files.list(&format!("{STACKS}/{folder}")).unwrap_or_default();
            inner.iter().any(|entry| {
                entry.kind == EntryKind::File
                    && (entry.name.ends_with(".tf") || entry.name.ends_with(".tf.json"))
            })
        };
        folders.map(|entry| entry.name).filter(holds).collect()
    }
}

fn source(name: &str, span: Span) -> Attribute {
    let folder = Value::string(format!("./{STACKS}/{name}"));
    Attribute {
        name: Identifier { name: "source".into(), span },
        expr: Expr { kind: ExprKind::Literal(folder), span },
    }
}
