//! What a resolved expression refers to, and where. It follows every part of an expression once.

use diag::Span;

use crate::resolve::Reference;
use crate::syntax::{Body, Expr, ExprKind, Part, Step};

/// What an expression refers to; a name comes as often as it is written.
pub(in super::super) fn references_of(expr: &Expr) -> Vec<Reference> {
    let mut references = Vec::new();
    each(expr, &mut |reference, _| references.push(reference));
    references
}

/// The first place in an expression that refers to something.
pub(super) fn first_place(expr: &Expr, wanted: Reference) -> Option<Span> {
    let mut first = None;
    each(expr, &mut |reference, span| {
        if reference == wanted && first.is_none() {
            first = Some(span);
        }
    });
    first
}

/// The first place in a body that refers to something.
pub(super) fn first_place_in(body: &Body, wanted: Reference) -> Option<Span> {
    let attributes = body.attributes.iter().find_map(|a| first_place(&a.expr, wanted));
    attributes.or_else(|| body.blocks.iter().find_map(|block| first_place_in(&block.body, wanted)))
}

fn each(expr: &Expr, found: &mut dyn FnMut(Reference, Span)) {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Broken => {}
        ExprKind::Reference(Reference::Slot(_)) => {}
        ExprKind::Reference(reference) => found(*reference, expr.span),
        ExprKind::Template(parts) => each_part(parts, found),
        ExprKind::Wrap(inner) | ExprKind::Parens(inner) | ExprKind::Negate(inner) | ExprKind::Not(inner) => {
            each(inner, found);
        }
        ExprKind::Tuple(elements) => elements.iter().for_each(|element| each(element, found)),
        ExprKind::Object(items) => items.iter().for_each(|item| {
            each(&item.key, found);
            each(&item.value, found);
        }),
        ExprKind::Traversal(source, steps) => {
            each(source, found);
            each_step(steps, found);
        }
        ExprKind::Call(call) => call.arguments.iter().for_each(|argument| each(argument, found)),
        ExprKind::Conditional(parts) => parts.iter().for_each(|part| each(part, found)),
        ExprKind::Binary(first, rest) => {
            each(first, found);
            rest.iter().for_each(|(_, operand)| each(operand, found));
        }
        ExprKind::For(for_) => {
            each(&for_.collection, found);
            for_.key.iter().chain([&for_.value]).chain(&for_.condition).for_each(|part| each(part, found));
        }
    }
}

fn each_step(steps: &[Step], found: &mut dyn FnMut(Reference, Span)) {
    for step in steps {
        match step {
            Step::Index(key, _) => each(key, found),
            Step::Splat { steps, .. } => each_step(steps, found),
            Step::Attribute(_) | Step::LegacyIndex(..) => {}
        }
    }
}

fn each_part(parts: &[Part], found: &mut dyn FnMut(Reference, Span)) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Value(expr) => each(expr, found),
            Part::If { condition, then, otherwise } => {
                each(condition, found);
                each_part(then, found);
                each_part(otherwise, found);
            }
            Part::For { collection, body, .. } => {
                each(collection, found);
                each_part(body, found);
            }
        }
    }
}
