//! `moved {}` and `import {}`: what has another address, and what is taken over.

use diag::{Diagnostic, Span};

use super::super::collect::Collector;
use super::super::environment::take;
use super::super::targets;
use super::super::terraform::{Import, Moved};
use super::once;
use super::resource::name_of;
use crate::address::{Mode, Target};
use crate::resolve::Allowed;
use crate::syntax::Block;

impl Collector<'_> {
    pub(in super::super) fn moved(&mut self, mut block: Block) {
        let header = block.header();
        let missing = block.place();
        let mut end = |this: &mut Self, key: &str| {
            let Some(expr) = take(&mut block.body, key) else {
                this.missing(key, "moved", missing);
                return None;
            };
            match targets::read_declared(expr, false) {
                Ok(written) => Some((written.target, written.span)),
                Err(fault) => {
                    this.faults.push(*fault);
                    None
                }
            }
        };
        let (from, to) = (end(self, "from"), end(self, "to"));
        self.only(&block.body, "moved", &["from", "to"], &[]);
        let (Some(from), Some(to)) = (from, to) else { return };
        let is_module = |target: &Target| matches!(target, Target::Module(_));
        if is_module(&from.0) != is_module(&to.0) {
            self.faults.push(
                Diagnostic::error(
                    "invalid-move",
                    "a resource cannot become a module, nor a module a resource",
                )
                .at(header)
                .hint("name two resources, or two modules"),
            );
            return;
        }
        for (target, span) in [&from, &to] {
            if let Target::Resource(address) = target
                && address.mode != Mode::Managed
            {
                // Terraform takes it, and nothing comes of it.
                if self.is_module {
                    return;
                }
                self.faults.push(
                    Diagnostic::error("invalid-move", "only resources can be moved")
                        .at(*span)
                        .because(
                            "nothing of a data source or an ephemeral resource is kept under its address",
                        )
                        .hint("leave this `moved` block out"),
                );
                return;
            }
        }
        self.configuration.moved.push(Moved { from, to, header });
    }

    pub(in super::super) fn import(&mut self, mut block: Block) {
        let header = block.header();
        let missing = block.place();
        let body = &mut block.body;
        let to_place = name_of(body, "to");
        let to = take(body, "to");
        let id = take(body, "id");
        for (part, key) in [(&to, "to"), (&id, "id")] {
            if part.is_none() {
                self.missing(key, "import", missing);
            }
        }
        let mut for_each = take(body, "for_each");
        let provider = take(body, "provider").and_then(|expr| self.provider_reference(expr, "provider"));
        self.only(body, "import", &["to", "id", "for_each", "provider"], &[]);
        let written = to.and_then(|to| match targets::read_declared(to, true) {
            Ok(written) => Some(written),
            Err(fault) => {
                let place = fault.span;
                self.faults.push(*fault);
                if self.is_module
                    && let Some(place) = place
                {
                    self.faults.push(not_importable(place));
                }
                None
            }
        });
        let mut references = Vec::new();
        let inside = Allowed { each: for_each.is_some(), ..Allowed::infrastructure("an import") };
        let mut id = id;
        if let Some(expr) = for_each.as_mut() {
            references.extend(self.resolve_expr(expr, Allowed::infrastructure("the number of imports"), &[]));
        }
        if let Some(expr) = id.as_mut() {
            references.extend(self.resolve_expr(expr, inside, &[]));
        }
        let Some(mut written) = written else { return };
        if for_each.is_none() && (written.key.is_some() || !written.module_keys.is_empty()) {
            let fault = Diagnostic::error(
                "invalid-address",
                "a key here is a constant, since there is no `for_each`",
            );
            self.references.push(fault.at(written.span).hint("write the key itself, or add `for_each`"));
            // Terraform goes on with the rest of the address, which is none.
            let message = "the address of an instance of a resource is needed";
            self.references.push(
                Diagnostic::error("invalid-address", message).summary("Invalid address").about("import"),
            );
        }
        let keys = written.module_keys.iter_mut().map(|(_, key)| key).chain(written.key.iter_mut());
        for key in keys {
            references.extend(self.resolve_expr(key, inside, &[]));
        }
        let is_managed = matches!(&written.target, Target::Resource(to) if to.mode == Mode::Managed);
        if !is_managed {
            if self.is_module && matches!(written.target, Target::Module(_)) {
                self.faults.push(
                    Diagnostic::error("invalid-address", "this is the address of a module")
                        .at(written.span)
                        .hint("go on with the resource in it"),
                );
            }
            self.faults.push(not_importable(to_place.unwrap_or(written.span)));
            return;
        }
        let Some(id) = id else { return };
        once(&mut references);
        self.configuration.imports.push(Import {
            to: written.target,
            key: written.key,
            module_keys: written.module_keys,
            to_span: written.span,
            id,
            for_each,
            provider,
            references,
            header,
        });
    }
}

fn not_importable(place: Span) -> Diagnostic {
    Diagnostic::error("invalid-import", "only a resource can be imported")
        .at(place)
        .hint("name one, as in `to = aws_vpc.main`")
}
