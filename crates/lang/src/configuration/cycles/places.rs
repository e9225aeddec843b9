//! What a resolved expression refers to, and where.

use diag::Span;

use crate::resolve::Reference;
use crate::syntax::{Body, Expr, ExprKind};

/// What an expression refers to; a name comes as often as it is written.
pub(in super::super) fn references_of(expr: &Expr) -> Vec<Reference> {
    let mut references = Vec::new();
    expr.each(&mut |part| references.extend(reference(part)));
    references
}

/// The first place in an expression that refers to something.
pub(super) fn first_place(expr: &Expr, wanted: Reference) -> Option<Span> {
    let mut first = None;
    expr.each(&mut |part| {
        if first.is_none() && reference(part) == Some(wanted) {
            first = Some(part.span);
        }
    });
    first
}

/// The first place in a body that refers to something.
pub(super) fn first_place_in(body: &Body, wanted: Reference) -> Option<Span> {
    let attributes = body.attributes.iter().find_map(|a| first_place(&a.expr, wanted));
    attributes.or_else(|| body.blocks.iter().find_map(|block| first_place_in(&block.body, wanted)))
}

fn reference(expr: &Expr) -> Option<Reference> {
    match expr.kind {
        ExprKind::Reference(Reference::Slot(_)) => None,
        ExprKind::Reference(reference) => Some(reference),
        _ => None,
    }
}
