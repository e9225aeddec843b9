//! From a place in a value to the piece of text that it came from.

use diag::Span;
use value::{Path, Step};

use crate::syntax::{Expr, ExprKind};

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
