//! Whether two trees mean the same, wherever their pieces stand in their texts.

use lang::syntax::{Attribute, Block, Body, Expr, ExprKind, For, Identifier, Item, Part, Step};

/// Whether two bodies mean the same. What the formatter writes anew on purpose (`"${x}"`, an old type between quotes) is the same.
pub fn same(a: &Body, b: &Body) -> bool {
    all(&a.attributes, &b.attributes, attribute) && all(&a.blocks, &b.blocks, block)
}

fn all<T>(a: &[T], b: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

fn name(a: &Identifier, b: &Identifier) -> bool {
    a.name == b.name
}

fn maybe<T>(a: &Option<T>, b: &Option<T>, same: impl Fn(&T, &T) -> bool) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn attribute(a: &Attribute, b: &Attribute) -> bool {
    let renewed = match &a.expr.kind {
        ExprKind::Wrap(inner) => expr(inner, &b.expr),
        ExprKind::Literal(word) => a.name.name.as_ref() == "type" && word.as_str().is_some(),
        // `list` is an old way to write `list(any)`.
        ExprKind::Name(word) => {
            a.name.name.as_ref() == "type"
                && matches!(&b.expr.kind, ExprKind::Call(call) if call.name.name.as_ref() == word.as_ref())
        }
        _ => false,
    };
    name(&a.name, &b.name) && (renewed || expr(&a.expr, &b.expr))
}

fn block(a: &Block, b: &Block) -> bool {
    name(&a.kind, &b.kind) && all(&a.labels, &b.labels, name) && same(&a.body, &b.body)
}

fn expr(a: &Expr, b: &Expr) -> bool {
    use ExprKind as K;
    match (&a.kind, &b.kind) {
        (K::Literal(a), K::Literal(b)) => a == b,
        (K::Template(a), K::Template(b)) => all(a, b, part),
        (K::Wrap(a), K::Wrap(b))
        | (K::Negate(a), K::Negate(b))
        | (K::Not(a), K::Not(b))
        | (K::Parens(a), K::Parens(b)) => expr(a, b),
        (K::Tuple(a), K::Tuple(b)) => all(a, b, expr),
        (K::Object(a), K::Object(b)) => all(a, b, item),
        (K::Name(a), K::Name(b)) => a == b,
        (K::Traversal(a, steps), K::Traversal(b, others)) => expr(a, b) && all(steps, others, step),
        (K::Call(a), K::Call(b)) => {
            name(&a.name, &b.name) && a.expand == b.expand && all(&a.arguments, &b.arguments, expr)
        }
        (K::Conditional(a), K::Conditional(b)) => all(a.as_slice(), b.as_slice(), expr),
        (K::Binary(a, rest), K::Binary(b, others)) => {
            expr(a, b) && all(rest, others, |(a, x), (b, y)| a == b && expr(x, y))
        }
        (K::For(a), K::For(b)) => for_(a, b),
        _ => false,
    }
}

fn item(a: &Item, b: &Item) -> bool {
    expr(&a.key, &b.key) && expr(&a.value, &b.value)
}

fn step(a: &Step, b: &Step) -> bool {
    match (a, b) {
        (Step::Attribute(a), Step::Attribute(b)) => name(a, b),
        (Step::LegacyIndex(a, _), Step::LegacyIndex(b, _)) => a == b,
        (Step::Index(a, _), Step::Index(b, _)) => expr(a, b),
        (Step::Splat { full, steps, .. }, Step::Splat { full: other, steps: others, .. }) => {
            full == other && all(steps, others, step)
        }
        _ => false,
    }
}

fn for_(a: &For, b: &For) -> bool {
    maybe(&a.key_name, &b.key_name, name)
        && name(&a.value_name, &b.value_name)
        && expr(&a.collection, &b.collection)
        && maybe(&a.key, &b.key, expr)
        && expr(&a.value, &b.value)
        && maybe(&a.condition, &b.condition, expr)
        && a.group == b.group
}

fn part(a: &Part, b: &Part) -> bool {
    match (a, b) {
        (Part::Text(a), Part::Text(b)) => a == b,
        (Part::Value(a), Part::Value(b)) => expr(a, b),
        (
            Part::If { condition, then, otherwise },
            Part::If { condition: condition_b, then: then_b, otherwise: otherwise_b },
        ) => expr(condition, condition_b) && all(then, then_b, part) && all(otherwise, otherwise_b, part),
        (
            Part::For { key_name, value_name, collection, body },
            Part::For { key_name: k, value_name: v, collection: c, body: b },
        ) => maybe(key_name, k, name) && name(value_name, v) && expr(collection, c) && all(body, b, part),
        _ => false,
    }
}
