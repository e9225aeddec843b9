//! From a place in a value to the piece of text that it came from.

use diag::Span;
use value::{Path, Step};

use crate::syntax::{Body, Expr, ExprKind};

/// The smallest piece of a block that surely gave the value at the path: an expression, a nested block's header, or the block's own
/// header. A place in a set cannot be found again.
#[must_use]
pub fn place(body: &Body, header: Span, path: &Path) -> Span {
    let Some((Step::Attribute(name) | Step::Key(name), rest)) = path.0.split_first() else { return header };
    if let Some(attribute) = body.attribute(name) {
        return locate(&attribute.expr, &Path(rest.to_vec()));
    }
    let mut blocks = body.blocks_of(name).peekable();
    if blocks.peek().is_none() {
        let makes = |block: &&crate::syntax::Block| super::dynamic::makes(block, name);
        return body.blocks.iter().find(makes).map_or(header, crate::syntax::Block::header);
    }
    let (block, inner) = match rest.split_first() {
        Some((Step::Index(index), inner)) => (index.to_usize().and_then(|at| blocks.nth(at)), inner),
        Some((Step::Key(key), inner)) => {
            (blocks.find(|b| b.labels.first().is_some_and(|label| label.name == *key)), inner)
        }
        _ => (blocks.next(), rest),
    };
    block.map_or(header, |block| place(&block.body, block.header(), &Path(inner.to_vec())))
}

/// The smallest expression that surely gave the value at the path.
pub(crate) fn locate(expr: &Expr, path: &Path) -> Span {
    let mut expr = expr;
    for step in &path.0 {
        while let ExprKind::Parens(inner) = &expr.kind {
            expr = inner;
        }
        let inner = match (step, &expr.kind) {
            (Step::Index(index), ExprKind::Tuple(elements)) => index.to_usize().and_then(|i| elements.get(i)),
            (Step::Attribute(name) | Step::Key(name), ExprKind::Object(items)) => items
                .iter()
                .find(|item| matches!(&item.key.kind, ExprKind::Literal(key) if key.as_str() == Some(name)))
                .map(|item| &item.value),
            _ => None,
        };
        match inner {
            Some(inner) => expr = inner,
            None => break,
        }
    }
    expr.span
}
