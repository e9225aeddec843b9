//! Outputs.

use diag::Diagnostic;

use super::super::collect::Collector;
use super::super::declaration::Output;
use super::super::environment::take;
use super::super::scope::ConstantScope;
use super::once;
use crate::blocks;
use crate::resolve::Allowed;
use crate::schema::decode;
use crate::syntax::{Block, Identifier};

impl Collector<'_> {
    pub(in super::super) fn output(&mut self, name: Identifier, mut block: Block) {
        let header = block.header();
        let value = take(&mut block.body, "value");
        let depends_on =
            take(&mut block.body, "depends_on").map_or_else(Vec::new, |expr| self.dependencies(expr));
        let all = Allowed::all("an output");
        let preconditions = self.conditions(&mut block.body, "precondition", all);
        let mut references = preconditions.references;
        let settings = self.constants("the settings of an output");
        // What stands in a block that no output has is not looked at.
        let strangers = std::mem::take(&mut block.body.blocks);
        self.resolve(&mut block.body, settings, &[]);
        block.body.blocks = strangers;
        for block in block.body.blocks.extract_if(.., |block| block.kind.name.as_ref() == "postcondition") {
            self.faults.push(
                Diagnostic::error("unknown-block", "an output has no postconditions")
                    .summary("Postconditions are not allowed")
                    .at(block.header())
                    .hint("write a `precondition`: it holds before the output is told"),
            );
        }
        let project = self.configuration.project.name.clone();
        let scope = ConstantScope { files: self.files, project: &project, environment: None };
        self.suitable(&block.body, &blocks::OUTPUT, &scope);
        let what = format!("output \"{}\"", name.name);
        let decoded = decode(&block.body, header, &what, &blocks::OUTPUT, &[], &scope);
        self.faults.extend(decoded.diagnostics);
        let flag = |key: &str| decoded.value.get(key).and_then(|v| v.as_bool()).unwrap_or(false);
        let place = block.place();
        let Some(mut expr) = value else {
            self.faults.push(
                Diagnostic::error("missing-attribute", format!("output \"{}\" needs `value`", name.name))
                    .at(place)
                    .hint("add `value = …`: what is told"),
            );
            return;
        };
        references.extend(self.resolve_expr(&mut expr, all, &[]));
        once(&mut references);
        self.configuration.outputs.push(Output {
            name,
            expr,
            description: decoded.value.get("description").and_then(|v| v.as_str().map(str::to_owned)),
            sensitive: flag("sensitive"),
            ephemeral: flag("ephemeral"),
            preconditions: preconditions.list,
            depends_on,
            header,
            references,
        });
    }
}
