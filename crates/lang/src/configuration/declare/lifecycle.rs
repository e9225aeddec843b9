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
use crate::resolve::{Allowed, Reference, Resolved, Resolver};
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
                        .summary(match mode {
                            Mode::Ephemeral => "Invalid ephemeral resource lifecycle argument",
                            _ => "Invalid data resource lifecycle argument",
                        })
                        .at(span)
                        .because("it is only read: nothing of it is made, changed or removed")
                        .hint("leave it out"),
                );
            }
        }
    }

    /// A condition of a resource names it by `self`, and only after it was made.
    fn refuse_itself(&mut self, conditions: &Conditions, kind: &str, own: Option<Reference>) {
        for part in &conditions.parts {
            if own.is_some_and(|own| part.references.contains(&own)) {
                let fault = Diagnostic::error(
                    "reference-cycle",
                    format!("a {kind} cannot refer to its own resource"),
                )
                .summary(format!("Invalid reference in {kind}"))
                .at(part.span);
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
            ExprKind::Broken if !self.is_module => return Vec::new(),
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
        for element in elements {
            if matches!(element.kind, ExprKind::Broken) {
                if self.is_module {
                    let fault =
                        Diagnostic::error("invalid-trigger", "`replace_triggered_by` takes resources");
                    self.faults.push(fault.at(element.span).hint("write it as in `aws_vpc.main`"));
                }
                continue;
            }
            triggers.extend(self.trigger(element, allowed, references));
        }
        triggers
    }

    /// One resource or a place in it. That it names one is a fault of the block; which one, and whether it is there, is looked at when
    /// the resource is planned.
    fn trigger(
        &mut self,
        mut element: Expr,
        allowed: Allowed,
        references: &mut Vec<Reference>,
    ) -> Option<Expr> {
        let span = element.span;
        let any = Allowed { each: true, count: true, ..allowed };
        let mut resolver = Resolver::new(&self.configuration.names, any, &[]).noting(&mut self.uses);
        resolver.expr(&mut element);
        let Resolved { references: found, diagnostics } = resolver.finish();
        let mut resources = found.iter().filter(|one| matches!(one, Reference::Resource(_))).count();
        let mut foreign = found
            .iter()
            .any(|one| !matches!(one, Reference::Resource(_) | Reference::CountIndex | Reference::EachKey));
        let (before, mut is_incomplete) = (self.faults.0.len() + self.planning.0.len(), false);
        for fault in diagnostics {
            match fault.code.as_ref() {
                "reference-not-allowed" => foreign = true,
                "incomplete-reference" | "reserved-name" => {
                    is_incomplete = true;
                    self.faults.push(fault);
                }
                _ => {
                    resources += 1;
                    self.planning.push(fault);
                }
            }
        }
        let wrong = |message: &str| {
            Diagnostic::error("invalid-trigger", message)
                .at(span)
                .hint("write it as in `aws_vpc.main` or `aws_vpc.main.cidr_block`")
        };
        if foreign {
            let fault =
                wrong("only resources, `count.index` and `each.key` can stand in `replace_triggered_by`");
            self.faults.push(fault.summary("Invalid reference in replace_triggered_by expression"));
        }
        for (own, is_there, word) in
            [(Reference::EachKey, allowed.each, "for_each"), (Reference::CountIndex, allowed.count, "count")]
        {
            if found.contains(&own) && !is_there {
                self.planning.push(wrong(&format!("this resource has no `{word}`, and so no key to follow")));
            }
        }
        match resources {
            _ if is_incomplete => {}
            0 => self.faults.push(wrong("`replace_triggered_by` takes resources and places in them")),
            1 if foreign || is_resource(&element) => {}
            1 if before < self.faults.0.len() + self.planning.0.len() => {}
            1 => self.planning.push(wrong("what replaces a resource is not worked out")),
            _ => self.faults.push(wrong("an entry of `replace_triggered_by` names one resource")),
        }
        let is_good = before == self.faults.0.len() + self.planning.0.len();
        is_good.then(|| {
            references.extend(found);
            element
        })
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
