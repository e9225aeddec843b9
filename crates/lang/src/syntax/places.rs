//! Moves the places of a tree that was read from a piece of a file to where that piece stands.

use diag::{Diagnostics, Span};

use super::ast::{Expr, ExprKind, Identifier, Part, Step};

/// From an offset in the piece to one in the file.
type Place<'a> = &'a dyn Fn(u32) -> u32;

pub(super) fn move_faults(faults: &mut Diagnostics, place: Place<'_>) {
    for fault in &mut faults.0 {
        if let Some(at) = &mut fault.span {
            span(at, place);
        }
        for related in &mut fault.related {
            span(&mut related.span, place);
        }
    }
}

fn span(span: &mut Span, place: Place<'_>) {
    *span = Span { file: span.file, start: place(span.start), end: place(span.end) };
}

fn name(name: &mut Identifier, place: Place<'_>) {
    span(&mut name.span, place);
}

pub(super) fn move_expr(expr: &mut Expr, place: Place<'_>) {
    span(&mut expr.span, place);
    match &mut expr.kind {
        ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Reference(_) | ExprKind::Broken => {}
        ExprKind::Template(inner) => parts(inner, place),
        ExprKind::Wrap(inner) | ExprKind::Parens(inner) | ExprKind::Negate(inner) | ExprKind::Not(inner) => {
            move_expr(inner, place);
        }
        ExprKind::Tuple(elements) => elements.iter_mut().for_each(|e| move_expr(e, place)),
        ExprKind::Object(items) => {
            for item in items {
                move_expr(&mut item.key, place);
                move_expr(&mut item.value, place);
            }
        }
        ExprKind::Traversal(source, inner) => {
            move_expr(source, place);
            steps(inner, place);
        }
        ExprKind::Call(call) => {
            name(&mut call.name, place);
            call.arguments.iter_mut().for_each(|e| move_expr(e, place));
        }
        ExprKind::Conditional(three) => three.iter_mut().for_each(|e| move_expr(e, place)),
        ExprKind::Binary(first, rest) => {
            move_expr(first, place);
            rest.iter_mut().for_each(|(_, e)| move_expr(e, place));
        }
        ExprKind::For(for_) => {
            for_.key_name.iter_mut().for_each(|n| name(n, place));
            name(&mut for_.value_name, place);
            let optional = for_.key.iter_mut().chain(&mut for_.condition);
            optional.chain([&mut for_.collection, &mut for_.value]).for_each(|e| move_expr(e, place));
        }
    }
}

fn steps(steps_: &mut [Step], place: Place<'_>) {
    for step in steps_ {
        match step {
            Step::Attribute(inner) => name(inner, place),
            Step::LegacyIndex(_, at) => span(at, place),
            Step::Index(key, at) => {
                move_expr(key, place);
                span(at, place);
            }
            Step::Splat { steps: inner, span: at, .. } => {
                steps(inner, place);
                span(at, place);
            }
        }
    }
}

fn parts(parts_: &mut [Part], place: Place<'_>) {
    for part in parts_ {
        match part {
            Part::Text(_) => {}
            Part::Value(expr) => move_expr(expr, place),
            Part::If { condition, then, otherwise } => {
                move_expr(condition, place);
                parts(then, place);
                parts(otherwise, place);
            }
            Part::For { key_name, value_name, collection, body } => {
                key_name.iter_mut().for_each(|n| name(n, place));
                name(value_name, place);
                move_expr(collection, place);
                parts(body, place);
            }
        }
    }
}
