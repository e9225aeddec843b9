//! Checks: conditions that are looked at beside the resources.

use super::super::collect::Collector;
use super::super::terraform::Check;
use crate::resolve::Allowed;
use crate::syntax::{Block, Identifier};

use diag::Diagnostic;

impl Collector<'_> {
    pub(in super::super) fn check(&mut self, index: u32, name: Identifier, mut block: Block) {
        let header = block.header();
        let allowed = Allowed { check: Some(index), ..Allowed::infrastructure("a check") };
        let assertions = self.conditions(&mut block.body, "assert", allowed);
        if assertions.good == 0 {
            self.faults.push(
                Diagnostic::error("missing-block", format!("check \"{}\" asserts nothing", name.name))
                    .at(header)
                    .hint("add `assert { condition = …, error_message = … }`"),
            );
        }
        self.only(&block.body, "check", &[], &["assert", "data"]);
        self.configuration.checks.push(Check {
            name,
            assertions: assertions.list,
            references: assertions.references,
            header,
        });
    }
}
