//! `removed {}`: what is no longer described.

use diag::{Diagnostic, Span};

use super::super::collect::Collector;
use super::super::environment::take;
use super::super::grammar::take_blocks;
use super::super::targets;
use super::super::terraform::Removed;
use crate::address::{Mode, Target};
use crate::resolve::Allowed;
use crate::syntax::Block;

impl Collector<'_> {
    pub(in super::super) fn removed(&mut self, mut block: Block) {
        let header = block.header();
        let missing = block.place();
        let body = &mut block.body;
        let from = match take(body, "from") {
            None => {
                self.missing("from", "removed", missing);
                None
            }
            Some(expr) => {
                let last = last_step(&expr);
                match targets::read(expr, false) {
                    Ok(written) => self.removable(written.target, written.span, last),
                    Err(fault) => {
                        self.faults.push(*fault);
                        None
                    }
                }
            }
        };
        let mut destroys = true;
        if let Some(mut lifecycle) = self.single(body, "lifecycle") {
            if let Some(expr) = take(&mut lifecycle.body, "destroy") {
                destroys = self.flag(expr, "destroy").unwrap_or(true);
            }
            self.only(&lifecycle.body, "lifecycle", &["destroy"], &[]);
        }
        let connection = self.single(body, "connection");
        let inside = Allowed { each: true, count: true, ..Allowed::constant("a removed resource") };
        let mut provisioners = Vec::new();
        for block in take_blocks(body, "provisioner") {
            let place = block.header();
            let Some(mut provisioner) = self.provisioner(block, inside) else { continue };
            if !provisioner.when_destroyed {
                self.faults.push(
                    Diagnostic::error(
                        "invalid-provisioner",
                        "a provisioner of a `removed` block runs when the object is removed",
                    )
                    .summary("Invalid provisioner block")
                    .at(place)
                    .hint("add `when = destroy`"),
                );
                continue;
            }
            if provisioner.connection.is_none()
                && let Some(connection) = &connection
            {
                let mut body = connection.body.clone();
                let allowed = Allowed { own: true, random: true, ..inside };
                provisioner.references.extend(self.resolve(&mut body, allowed, &[]));
                provisioner.connection = Some(body);
            }
            provisioners.push(provisioner);
        }
        self.only(body, "removed", &["from"], &["lifecycle", "connection", "provisioner"]);
        if let Some(from) = from {
            self.configuration.removed.push(Removed { from, destroys, provisioners, header });
        }
    }

    /// A target of a `removed` block: a module or a resource, without keys.
    fn removable(&mut self, target: Target, span: Span, last: Span) -> Option<(Target, Span)> {
        let (path, key, mode) = match &target {
            Target::Module(path) => (path, false, Mode::Managed),
            Target::Resource(address) => (&address.module, address.key.is_some(), address.mode),
        };
        if mode != Mode::Managed {
            self.faults.push(
                Diagnostic::error(
                    "invalid-removal",
                    "nothing of a data source or an ephemeral resource can be removed",
                )
                .summary("Data source address not allowed")
                .at(span)
                .hint("remove its own block, and this one"),
            );
            return None;
        }
        if key || path.0.iter().any(|step| step.key.is_some()) {
            self.faults.push(
                Diagnostic::error(
                    "invalid-removal",
                    "a `removed` block is about all instances, not about one",
                )
                .summary(if key {
                    "Resource instance keys not allowed"
                } else {
                    "Module instance keys not allowed"
                })
                .at(last)
                .hint("leave the key out"),
            );
            return None;
        }
        Some((target, span))
    }
}

/// The last step of an address, where a key would be.
fn last_step(expr: &crate::syntax::Expr) -> Span {
    match &expr.kind {
        crate::syntax::ExprKind::Traversal(_, steps) => {
            steps.last().map_or(expr.span, crate::syntax::Step::span)
        }
        _ => expr.span,
    }
}
