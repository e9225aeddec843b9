//! Attributes of a JSON body that a schema knows to be blocks.

use diag::{Diagnostic, Diagnostics, Span};

use super::instances::{COMMENT, Content, Opened, instances};
use crate::syntax::{Attribute, Block, Body, Expr, ExprKind, Identifier, is_identifier};

impl Opened for Expr {
    fn span(&self) -> Span {
        self.span
    }

    fn open(self, faults: &mut Diagnostics) -> Content<Self> {
        match self.kind {
            ExprKind::Literal(value) if value.is_null() => Content::Nothing,
            ExprKind::Broken => Content::Nothing,
            ExprKind::Tuple(elements) => Content::Elements(elements),
            ExprKind::Object(items) => Content::Properties(
                items
                    .into_iter()
                    .filter_map(|item| Some((property(&item.key, faults)?, item.value)))
                    .collect(),
            ),
            _ => Content::Other,
        }
    }
}

/// The name of a property, which no template may make.
fn property(key: &Expr, faults: &mut Diagnostics) -> Option<Identifier> {
    if let ExprKind::Literal(text) = &key.kind
        && let Some(name) = text.as_str()
    {
        return Some(Identifier { name: name.into(), span: key.span });
    }
    faults.push(
        Diagnostic::error("json-value", "the name of an attribute or block is plain text, not a template")
            .at(key.span)
            .hint("for several blocks of one type write `\"dynamic\"`"),
    );
    None
}

impl Body {
    /// Turns attributes that stand for blocks into blocks, if this body was read from JSON; one of the native syntax stays as it
    /// is. `labels` says how many labels the blocks of a type have, and nothing for a name that is none of a block. `dynamic`
    /// blocks are found as well. The bodies of the blocks are bodies of JSON in their turn: who goes into them promotes them.
    ///
    /// What is neither an object nor an array of objects where blocks have to be is a fault.
    #[must_use]
    pub fn promote(&mut self, labels: impl Fn(&str) -> Option<usize>) -> Diagnostics {
        let mut faults = Diagnostics::default();
        if !self.is_json {
            return faults;
        }
        let labels = |name: &str| labels(name).or((name == "dynamic").then_some(1));
        if !self.attributes.iter().any(|a| labels(&a.name.name).is_some()) {
            return faults;
        }
        for attribute in std::mem::take(&mut self.attributes) {
            let Attribute { name, expr } = attribute;
            let Some(count) = labels(&name.name) else {
                self.attributes.push(Attribute { name, expr });
                continue;
            };
            for instance in instances(&name.name, expr, count, &mut faults) {
                let mut body = Body::json(instance.span);
                let properties =
                    instance.properties.into_iter().filter(|(name, _)| name.name.as_ref() != COMMENT);
                body.attributes.extend(properties.map(|(name, expr)| Attribute { name, expr }));
                if name.name.as_ref() == "dynamic" {
                    dynamic(&mut body, &mut faults);
                }
                self.blocks.push(Block { kind: name.clone(), labels: instance.labels, body });
            }
        }
        faults
    }
}

/// In a `dynamic` block `content` is a block, and `iterator` a name.
fn dynamic(body: &mut Body, faults: &mut Diagnostics) {
    faults.extend(body.promote(|name| (name == "content").then_some(0)));
    for attribute in body.attributes.iter_mut().filter(|a| a.name.name.as_ref() == "iterator") {
        if let ExprKind::Literal(text) = &attribute.expr.kind
            && let Some(name) = text.as_str().filter(|name| is_identifier(name))
        {
            attribute.expr.kind = ExprKind::Name(name.into());
        }
    }
}
