//! The faults of names: what they say, and what may have been meant. Nothing is looked up here that is not declared.

use std::sync::Arc;

use diag::{Diagnostic, Span};

use super::look_up::{ROOTS, alone};
use super::walk::Resolver;
use crate::address::Mode;

/// What Terraform calls `self` where there is none.
pub(crate) const WITHOUT_SELF: &str = "Invalid \"self\" reference";

impl Resolver<'_> {
    /// A root without the name that has to follow it.
    pub(super) fn incomplete(&mut self, root: &str, span: Span) {
        let example = match root {
            "each" => "each.key",
            "count" => "count.index",
            "path" => "path.module",
            "terraform" => "terraform.workspace",
            "environment" | "project" | "cluster" => "",
            _ => "x",
        };
        let hint = match example {
            "" => format!("write `{root}.name`"),
            "x" => format!("write `{root}.` and the name of what is meant"),
            example => format!("write `{example}`"),
        };
        self.diagnostics.push(alone(root, span).hint(hint));
    }

    pub(super) fn undeclared_resource(&mut self, mode: Mode, kind: &Arc<str>, name: &str, span: Span) {
        let (prefix, noun, block) = match mode {
            Mode::Managed => ("", "resource", "resource"),
            Mode::Data => ("data.", "data source", "data"),
            Mode::Ephemeral => ("ephemeral.", "ephemeral resource", "ephemeral"),
        };
        let fault =
            Diagnostic::error("undeclared", format!("there is no {noun} `{prefix}{kind}.{name}`")).at(span);
        let fault = fault.summary("Reference to undeclared resource");
        self.diagnostics.push(match self.names.closest_resource(mode, kind, name) {
            Some((kind, name)) => fault.hint(format!("did you mean `{prefix}{kind}.{name}`?")),
            None => fault.hint(format!("declare it with `{block} \"{kind}\" \"{name}\" {{ … }}`")),
        });
    }

    pub(super) fn not_permitted(&mut self, root: &str, span: Span) {
        let place = self.allowed.place;
        let fault = Diagnostic::error("reference-not-allowed", format!("`{root}` cannot be used in {place}"))
            .at(span);
        let fault = match root {
            "each" if self.allowed.resources => fault.hint("`each` exists where the block has `for_each`"),
            "count" if self.allowed.resources => fault.hint("`count` exists where the block has `count`"),
            "var" | "local" | "service" | "image" | "module" if !self.allowed.variables => {
                fault.hint("only values that need nothing else can stand here")
            }
            "service" if self.allowed.resources => fault
                .because("the infrastructure is made before any service runs")
                .hint("turn it round: a service may name a resource or a stack"),
            "service" if self.allowed.variables => fault.hint("it is worked out before any service runs"),
            "cluster" => {
                fault.hint("`cluster` exists in services, each of which runs in one cluster or several")
            }
            _ => fault,
        };
        self.diagnostics.push(match root {
            "self" => fault.summary(WITHOUT_SELF),
            "each" => fault.summary("Reference to \"each\" in context without for_each"),
            "count" => fault.summary("Reference to \"count\" in non-counted context"),
            _ => fault,
        });
    }

    pub(super) fn undeclared(&mut self, root: &str, name: &str, span: Span) {
        let fixed: &[&str] = match root {
            "each" => &["key", "value"],
            "count" => &["index"],
            "path" => &["module", "root", "cwd"],
            "project" | "cluster" => &["name"],
            "terraform" => &["workspace", "applying"],
            _ => &[],
        };
        let fault = if fixed.is_empty() {
            let (noun, declare) = match root {
                "var" => ("variable", format!("declare it with `variable \"{name}\" {{}}`")),
                "local" => ("local", format!("declare it with `locals {{ {name} = … }}`")),
                "environment" if self.names.environments.is_empty() => {
                    ("environment", "here is only `environment.name`; what a stack needs of another environment is given to it as an input".to_owned())
                }
                other => (other, format!("declare it with `{root} \"{name}\" {{ … }}`")),
            };
            let summary = match root {
                "var" => "Reference to undeclared input variable",
                "local" => "Reference to undeclared local value",
                "module" => "Reference to undeclared module",
                _ => "Invalid reference",
            };
            let fault = Diagnostic::error("undeclared", format!("there is no {noun} `{name}`"));
            let fault = fault.summary(summary).at(span);
            match self.names.closest(root, name) {
                Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                None => fault.hint(declare),
            }
        } else {
            let fault =
                Diagnostic::error("undeclared", format!("`{root}` has no attribute `{name}`")).at(span);
            let fault = fault.summary(format!("Invalid \"{root}\" attribute"));
            let all: Vec<String> = fixed.iter().map(|f| format!("`{root}.{f}`")).collect();
            fault.hint(format!("there is {}", all.join(", ")))
        };
        self.diagnostics.push(fault);
    }

    pub(super) fn unknown_root(&mut self, root: &str, span: Span, name: Option<&str>) {
        let fault = Diagnostic::error("unknown-name", format!("nothing is called `{root}` here")).at(span);
        let fault = fault.summary(match name {
            Some(_) => "Reference to undeclared resource",
            None => "Invalid reference",
        });
        let fault = match root {
            "env" => fault.hint("the environment's name is `environment.name`"),
            _ => match self.meant(root, name) {
                Some(meant) => fault.hint(meant),
                None => fault,
            },
        };
        self.diagnostics.push(fault);
    }

    /// What an unknown root may have been meant as.
    fn meant(&self, root: &str, name: Option<&str>) -> Option<String> {
        let bound = self.bound.iter().map(AsRef::as_ref);
        if let Some(meant) = diag::closest(root, bound.chain(ROOTS)) {
            return Some(format!("did you mean `{meant}`?"));
        }
        let plural = root.strip_suffix('s').filter(|single| ROOTS.contains(single));
        let plural = plural.or((root == "variable").then_some("var"));
        if let (Some(single), Some(name)) = (plural, name) {
            return Some(format!("did you mean `{single}.{name}`?"));
        }
        if name.is_none() {
            let found = ["var", "local", "service", "image"]
                .into_iter()
                .find(|kind| self.names.declared(kind, root).is_some() && self.permitted(kind));
            return Some(match found {
                Some(kind) => format!("did you mean `{kind}.{root}`?"),
                None => format!("for text, write it between quotes: `\"{root}\"`"),
            });
        }
        None
    }
}
