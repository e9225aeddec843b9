//! Every expression in an expression or body, each once, what is around before what is in it. It changes nothing and knows no meaning.

use super::ast::{Body, Expr, ExprKind, Part, Step};

impl Body {
    /// Shows every expression of the body and of its blocks.
    pub fn each_expr<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        self.attributes.iter().for_each(|attribute| attribute.expr.each(visit));
        self.blocks.iter().for_each(|block| block.body.each_expr(visit));
    }
}

impl Expr {
    /// Shows the expression and everything in it.
    pub fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Reference(_) | ExprKind::Broken => {}
            ExprKind::Template(parts) => each_part(parts, visit),
            ExprKind::Wrap(inner)
            | ExprKind::Parens(inner)
            | ExprKind::Negate(inner)
            | ExprKind::Not(inner) => {
                inner.each(visit);
            }
            ExprKind::Tuple(elements) => elements.iter().for_each(|element| element.each(visit)),
            ExprKind::Object(items) => items.iter().for_each(|item| {
                item.key.each(visit);
                item.value.each(visit);
            }),
            ExprKind::Traversal(source, steps) => {
                source.each(visit);
                each_step(steps, visit);
            }
            ExprKind::Call(call) => call.arguments.iter().for_each(|argument| argument.each(visit)),
            ExprKind::Conditional(parts) => parts.iter().for_each(|part| part.each(visit)),
            ExprKind::Binary(first, rest) => {
                first.each(visit);
                rest.iter().for_each(|(_, operand)| operand.each(visit));
            }
            ExprKind::For(for_) => {
                for_.collection.each(visit);
                let inner = for_.key.iter().chain([&for_.value]).chain(&for_.condition);
                inner.for_each(|part| part.each(visit));
            }
        }
    }

    /// Whether a part of it could not be read, or names what is not there.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        let mut found = false;
        self.each(&mut |expr| found |= matches!(expr.kind, ExprKind::Broken));
        found
    }
}

fn each_step<'a>(steps: &'a [Step], visit: &mut dyn FnMut(&'a Expr)) {
    for step in steps {
        match step {
            Step::Index(key, _) => key.each(visit),
            Step::Splat { steps, .. } => each_step(steps, visit),
            Step::Attribute(_) | Step::LegacyIndex(..) => {}
        }
    }
}

fn each_part<'a>(parts: &'a [Part], visit: &mut dyn FnMut(&'a Expr)) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Value(expr) => expr.each(visit),
            Part::If { condition, then, otherwise } => {
                condition.each(visit);
                each_part(then, visit);
                each_part(otherwise, visit);
            }
            Part::For { collection, body, .. } => {
                collection.each(visit);
                each_part(body, visit);
            }
        }
    }
}
