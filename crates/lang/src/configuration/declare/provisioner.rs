//! Provisioners and connections of a resource. What they may hold, the provisioners themselves describe.

use diag::Diagnostic;

use super::super::collect::Collector;
use super::super::environment::take;
use super::super::grammar::take_blocks;
use super::super::terraform::Provisioner;
use super::once;
use crate::resolve::{Allowed, Reference};
use crate::syntax::{Block, Body, Expr, ExprKind};

/// Provisioners that Terraform had once.
const GONE: [&str; 4] = ["chef", "habitat", "puppet", "salt-masterless"];

/// Kinds of blocks that Terraform keeps for later in a provisioner.
const RESERVED_BLOCKS: [&str; 2] = ["lifecycle", "locals"];

impl Collector<'_> {
    /// Takes provisioners and their common connection out of a body.
    pub(super) fn provisioners(
        &mut self,
        body: &mut Body,
        allowed: Allowed,
    ) -> (Option<Body>, Vec<Provisioner>) {
        let blocks = take_blocks(body, "provisioner");
        let common = self.single(body, "connection").map(|block| block.body);
        if blocks.is_empty() && common.is_none() {
            return (None, Vec::new());
        }
        let mut provisioners: Vec<Provisioner> =
            blocks.into_iter().filter_map(|block| self.provisioner(block, allowed)).collect();
        let connection = common.map(|mut connection| {
            let destroys = provisioners.iter().any(|p| p.when_destroyed && p.connection.is_none());
            let references = self.resolve(&mut connection, at_provisioning(allowed, destroys), &[]);
            for provisioner in provisioners.iter_mut().filter(|p| p.connection.is_none()) {
                provisioner.references.extend_from_slice(&references);
                once(&mut provisioner.references);
            }
            connection
        });
        (connection, provisioners)
    }

    pub(super) fn provisioner(&mut self, mut block: Block, allowed: Allowed) -> Option<Provisioner> {
        let header = block.header();
        let [kind] = self.labels(&block, "provisioner", ["KIND"])?;
        if GONE.contains(&kind.name.as_ref()) {
            self.faults.push(
                Diagnostic::error(
                    "unknown-provisioner",
                    format!("there is no provisioner `{}` any more", kind.name),
                )
                .summary(format!("The \"{}\" provisioner has been removed", kind.name))
                .at(kind.span)
                .hint("there are `local-exec`, `remote-exec` and `file`"),
            );
            return None;
        }
        let body = &mut block.body;
        let when = take(body, "when").and_then(|expr| self.keyword(expr, "when", ["create", "destroy"]));
        let on_failure =
            take(body, "on_failure").and_then(|expr| self.keyword(expr, "on_failure", ["continue", "fail"]));
        let when_destroyed = when == Some("destroy");
        let allowed = at_provisioning(allowed, when_destroyed);
        let mut references: Vec<Reference> = Vec::new();
        let connection = self.single(body, "connection").map(|mut connection| {
            references.extend(self.resolve(&mut connection.body, allowed, &[]));
            connection.body
        });
        for reserved in body.blocks.iter().filter(|b| RESERVED_BLOCKS.contains(&b.kind.name.as_ref())) {
            self.faults.push(
                Diagnostic::error(
                    "reserved-name",
                    format!("`{}` blocks in a provisioner are reserved", reserved.kind.name),
                )
                .summary("Reserved block type name in provisioner block")
                .at(reserved.kind.span)
                .hint("leave it out"),
            );
        }
        self.duplicates(body);
        references.extend(self.resolve(body, allowed, &[]));
        once(&mut references);
        Some(Provisioner {
            kind,
            when_destroyed,
            continues_on_failure: on_failure == Some("continue"),
            connection,
            body: block.body,
            references,
            header,
        })
    }

    /// A bare word of two.
    fn keyword(&mut self, expr: Expr, name: &str, words: [&'static str; 2]) -> Option<&'static str> {
        let word = match &expr.kind {
            ExprKind::Name(word) => word.to_string(),
            ExprKind::Literal(value) => match value.as_str() {
                Some(word) => {
                    self.faults.push(
                        Diagnostic::warning("quoted-keyword", "this word is written without quotes")
                            .at(expr.span)
                            .hint(format!("write `{word}`")),
                    );
                    word.to_owned()
                }
                None => String::new(),
            },
            ExprKind::Broken if !self.is_module => return None,
            _ => String::new(),
        };
        let found = words.into_iter().find(|known| *known == word);
        if found.is_none() {
            let [one, other] = words;
            self.faults.push(
                Diagnostic::error("unknown-keyword", format!("`{name}` is `{one}` or `{other}`"))
                    .summary(format!("Invalid \"{name}\" keyword"))
                    .at(expr.span)
                    .hint(format!("write `{name} = {one}`")),
            );
        }
        found
    }
}

/// What provisioners may name: when their object is removed, nothing but it, since others may be gone.
fn at_provisioning(allowed: Allowed, when_destroyed: bool) -> Allowed {
    if when_destroyed {
        Allowed {
            place: "a provisioner that runs when its object is removed",
            own: true,
            random: true,
            each: allowed.each,
            count: allowed.count,
            ..Allowed::constant("")
        }
    } else {
        Allowed { place: "a provisioner", own: true, ..allowed }
    }
}
