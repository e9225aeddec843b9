//! `lifecycle {}` of a resource.

use diag::Diagnostic;
use value::{Path, Step as PathStep};

use super::super::collect::Collector;
use super::super::environment::take;
use super::super::terraform::{IgnoreChanges, Lifecycle};
use super::Conditions;
use super::dependencies::is_constant;
use super::resource::name_of;
use crate::address::Mode;
use crate::resolve::{Allowed, Reference};
use crate::syntax::{Block, Expr, ExprKind, Step};

/// What a managed resource has, and a data source or an ephemeral resource has not.
const MANAGED: [&str; 4] =
    ["create_before_destroy", "prevent_destroy", "ignore_changes", "replace_triggered_by"];

impl Collector<'_> {
    /// Reads a `lifecycle` block. What its conditions and triggers refer to is added to `references`.
    pub(super) fn lifecycle(
        &mut self,
        mut block: Block,
        mode: Mode,
        allowed: Allowed,
        own: Option<Reference>,
        references: &mut Vec<Reference>,
    ) -> Lifecycle {
        let body = &mut block.body;
        let mut lifecycle = Lifecycle::default();
        if mode != Mode::Managed {
            self.refuse_managed(body, mode);
        }
        if let Some(expr) = take(body, "create_before_destroy") {
            lifecycle.create_before_destroy = self.flag(expr, "create_before_destroy");
        }
        if let Some(expr) = take(body, "prevent_destroy") {
            let span = expr.span;
            lifecycle.prevent_destroy = self.flag(expr, "prevent_destroy").filter(|flag| *flag).map(|_| span);
        }
        if let Some(expr) = take(body, "ignore_changes") {
            lifecycle.ignore_changes = self.ignore_changes(expr);
        }
        if let Some(expr) = take(body, "replace_triggered_by") {
            lifecycle.replace_triggered_by = self.triggers(expr, allowed, references);
        }
        let before = Allowed { place: "a precondition", ..allowed };
        let after = Allowed { place: "a postcondition", own: true, ..allowed };
        let preconditions = self.conditions(body, "precondition", before);
        let postconditions = self.conditions(body, "postcondition", after);
        for (conditions, kind) in [(&preconditions, "precondition"), (&postconditions, "postcondition")] {
            self.refuse_itself(conditions, kind, own);
        }
        let others = |found: Vec<Reference>| found.into_iter().filter(move |r| Some(*r) != own);
        references.extend(others(preconditions.references));
        references.extend(others(postconditions.references));
        lifecycle.preconditions = preconditions.list;
        lifecycle.postconditions = postconditions.list;
        let attributes: &[&str] = if mode == Mode::Managed { &MANAGED } else { &[] };
        self.only(&block.body, "lifecycle", attributes, &["precondition", "postcondition"]);
        lifecycle
    }

    fn refuse_managed(&mut self, body: &mut crate::syntax::Body, mode: Mode) {
        let noun = if mode == Mode::Data { "a data source" } else { "an ephemeral resource" };
        for name in MANAGED {
            if let Some(span) = name_of(body, name) {
                take(body, name);
                self.faults.push(
                    Diagnostic::error("misplaced-attribute", format!("{noun} has no `{name}`"))
                        .at(span)
                        .because("it is only read: nothing of it is made, changed or removed")
                        .hint("leave it out"),
                );
            }
        }
    }

    /// A condition of a resource names it by `self`, and only after it was made.
    fn refuse_itself(&mut self, conditions: &Conditions, kind: &str, own: Option<Reference>) {
        for (span, _, references) in &conditions.parts {
            if own.is_some_and(|own| references.contains(&own)) {
                let fault = Diagnostic::error(
                    "reference-cycle",
                    format!("a {kind} cannot refer to its own resource"),
                )
                .at(*span);
                self.faults.push(match kind {
                    "postcondition" => fault.hint("write `self` for the resource itself"),
                    _ => fault.hint("write a `postcondition`, where `self` is the resource"),
                });
            }
        }
    }

    fn ignore_changes(&mut self, expr: Expr) -> IgnoreChanges {
        if let ExprKind::Name(name) = &expr.kind
            && name.as_ref() == "all"
        {
            return IgnoreChanges::All;
        }
        let Some(elements) = self.places(expr) else { return IgnoreChanges::Nothing };
        let mut places = Vec::with_capacity(elements.len());
        for element in elements {
            let span = element.span;
            let (root, steps) = match element.kind {
                ExprKind::Name(root) => (root, Vec::new()),
                ExprKind::Traversal(source, steps) => match source.kind {
                    ExprKind::Name(root) => (root, steps),
                    _ => continue,
                },
                _ => continue,
            };
            let mut path = vec![PathStep::Attribute(root)];
            path.extend(steps.into_iter().filter_map(path_step));
            places.push((Path(path), span));
        }
        if places.is_empty() { IgnoreChanges::Nothing } else { IgnoreChanges::Places(places) }
    }

    /// The elements of `ignore_changes`; unlike references, what is between quotes is always taken.
    fn places(&mut self, expr: Expr) -> Option<Vec<Expr>> {
        let was_module = std::mem::replace(&mut self.is_module, true);
        let places = self.references(expr, "ignore_changes", "tags, timeouts[\"create\"]");
        self.is_module = was_module;
        places
    }

    /// `replace_triggered_by`: resources and places in them; keys may be `count.index` and `each.key`.
    fn triggers(&mut self, expr: Expr, allowed: Allowed, references: &mut Vec<Reference>) -> Vec<Expr> {
        let elements = match expr.kind {
            ExprKind::Tuple(elements) => elements,
            ExprKind::Broken => return Vec::new(),
            _ => {
                self.faults.push(
                    Diagnostic::error("invalid-trigger", "`replace_triggered_by` is a list of references")
                        .at(expr.span)
                        .hint("write it as in `replace_triggered_by = [aws_vpc.main]`"),
                );
                return Vec::new();
            }
        };
        let allowed = Allowed {
            variables: false,
            locals: false,
            services: false,
            images: false,
            modules: false,
            own: false,
            whole: true,
            place: "`replace_triggered_by`",
            ..allowed
        };
        let mut triggers = Vec::with_capacity(elements.len());
        for mut element in elements {
            if matches!(element.kind, ExprKind::Broken) {
                continue;
            }
            let before = self.faults.0.len();
            let found = self.resolve_expr(&mut element, allowed, &[]);
            if self.faults.0.len() > before {
                continue;
            }
            if is_resource(&element) {
                references.extend(found);
                triggers.push(element);
            } else {
                self.faults.push(
                    Diagnostic::error(
                        "invalid-trigger",
                        "`replace_triggered_by` takes resources and places in them",
                    )
                    .at(element.span)
                    .hint("write it as in `aws_vpc.main` or `aws_vpc.main.cidr_block`"),
                );
            }
        }
        triggers
    }
}

/// Whether a resolved expression is a resource with steps whose keys are constants, `count.index` or `each.key`.
fn is_resource(expr: &Expr) -> bool {
    let is_key = |step: &Step| match step {
        Step::Index(key, _) => {
            is_constant(step)
                || matches!(key.kind, ExprKind::Reference(Reference::CountIndex | Reference::EachKey))
        }
        step => is_constant(step),
    };
    match &expr.kind {
        ExprKind::Reference(Reference::Resource(_)) => true,
        ExprKind::Traversal(source, steps) => is_resource(source) && steps.iter().all(is_key),
        _ => false,
    }
}

fn path_step(step: Step) -> Option<PathStep> {
    match step {
        Step::Attribute(name) => Some(PathStep::Attribute(name.name)),
        Step::LegacyIndex(number, _) => Some(PathStep::Index(number)),
        Step::Index(Expr { kind: ExprKind::Literal(key), .. }, _) => match (key.as_str(), key.as_number()) {
            (Some(name), _) => Some(PathStep::Key(name.into())),
            (_, Some(number)) => Some(PathStep::Index(number.clone())),
            _ => None,
        },
        Step::Index(..) | Step::Splat { .. } => None,
    }
}
