//! What a single expression refers to, where the block as a whole is too much.

use std::collections::BTreeSet;

use lang::Reference;
use lang::syntax::{Expr, ExprKind, Part, Step};

/// What a resolved expression refers to, each once.
#[must_use]
pub fn references(expr: &Expr) -> BTreeSet<Reference> {
    let mut found = BTreeSet::new();
    collect(expr, &mut found);
    found
}

fn collect(expr: &Expr, found: &mut BTreeSet<Reference>) {
    match &expr.kind {
        ExprKind::Reference(reference) => {
            found.insert(*reference);
        }
        ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Broken => {}
        ExprKind::Template(parts) => collect_parts(parts, found),
        ExprKind::Wrap(inner) | ExprKind::Parens(inner) | ExprKind::Negate(inner) | ExprKind::Not(inner) => {
            collect(inner, found);
        }
        ExprKind::Tuple(elements) => elements.iter().for_each(|element| collect(element, found)),
        ExprKind::Object(items) => {
            for item in items {
                collect(&item.key, found);
                collect(&item.value, found);
            }
        }
        ExprKind::Traversal(source, steps) => {
            collect(source, found);
            collect_steps(steps, found);
        }
        ExprKind::Call(call) => call.arguments.iter().for_each(|argument| collect(argument, found)),
        ExprKind::Conditional(parts) => parts.iter().for_each(|part| collect(part, found)),
        ExprKind::Binary(first, rest) => {
            collect(first, found);
            rest.iter().for_each(|(_, operand)| collect(operand, found));
        }
        ExprKind::For(for_) => {
            collect(&for_.collection, found);
            let inner = for_.key.iter().chain([&for_.value]).chain(&for_.condition);
            inner.for_each(|expr| collect(expr, found));
        }
    }
}

fn collect_steps(steps: &[Step], found: &mut BTreeSet<Reference>) {
    for step in steps {
        match step {
            Step::Index(key, _) => collect(key, found),
            Step::Splat { steps, .. } => collect_steps(steps, found),
            Step::Attribute(_) | Step::LegacyIndex(..) => {}
        }
    }
}

fn collect_parts(parts: &[Part], found: &mut BTreeSet<Reference>) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Value(expr) => collect(expr, found),
            Part::If { condition, then, otherwise } => {
                collect(condition, found);
                collect_parts(then, found);
                collect_parts(otherwise, found);
            }
            Part::For { collection, body, .. } => {
                collect(collection, found);
                collect_parts(body, found);
            }
        }
    }
}
