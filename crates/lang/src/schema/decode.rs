//! A body as one object value, by its schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Span};
use value::{Type, Value, convert};

use super::as_blocks::as_written;
use super::body::{self, Place};
use super::dynamic::{self, Instance};
use super::{Attribute, Block, Given, NestedBlock, Nesting, locate};
use crate::eval::{Scope, describe_type, describe_value, evaluate_with};
use crate::syntax::{Body, Expr};

/// What became of a body.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// An object of the schema's type; what is at fault is unknown in it.
    pub value: Value,
    /// The faults.
    pub diagnostics: Diagnostics,
}

/// Makes an object of a body. `what` is the block as messages name it, `header` its type and labels; attributes named in `beside`
/// are read elsewhere.
#[must_use]
pub fn decode(
    body: &Body,
    header: Span,
    what: &str,
    schema: &Block,
    beside: &[&str],
    scope: &dyn Scope,
) -> Decoded {
    let mut decoder = Decoder { scope, diagnostics: Diagnostics::default() };
    let value = decoder.body(body, schema, &Place { what, header, beside }, &[]);
    Decoded { value, diagnostics: decoder.diagnostics }
}

struct Decoder<'a> {
    scope: &'a dyn Scope,
    diagnostics: Diagnostics,
}

impl Decoder<'_> {
    fn body(&mut self, body: &Body, schema: &Block, place: &Place<'_>, slots: &[Value]) -> Value {
        let schema = &*as_written(body, schema);
        body::check(body, schema, place, &mut self.diagnostics);
        let mut object: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        for attribute in schema.attributes.iter().filter(|a| a.given != Given::Expression) {
            object.insert(attribute.name.clone(), self.attribute(body, attribute, slots));
        }
        for nested in &schema.blocks {
            object.insert(nested.name.clone(), self.nested(body, nested, slots));
        }
        Value::object(object)
    }

    fn attribute(&mut self, body: &Body, schema: &Attribute, slots: &[Value]) -> Value {
        if schema.given == Given::Computed {
            return schema.absent.clone();
        }
        let Some(given) = body.attribute(&schema.name) else {
            // A required one that is missing has been reported; unknown keeps other faults out.
            return schema.absent.clone();
        };
        let value = match evaluate_with(&given.expr, self.scope, slots) {
            Ok(value) => value,
            Err(faults) => {
                self.diagnostics.extend(faults);
                return Value::unknown(schema.ty.clone());
            }
        };
        let span = given.expr.span;
        let converted = match convert(&value, &schema.ty) {
            Ok(converted) => converted,
            Err(error) => {
                self.diagnostics.push(wrong_type(&schema.name, &schema.ty, &value, &error, &given.expr));
                return Value::unknown(schema.ty.clone());
            }
        };
        if converted.is_null() {
            if schema.given == Given::Required {
                self.diagnostics.push(
                    Diagnostic::error("missing-attribute", format!("`{}` must not be null", schema.name))
                        .at(span)
                        .hint(schema.doc.as_ref()),
                );
            }
            return schema.absent.clone();
        }
        if let Some((message, hint)) = schema.rule.fault(&converted) {
            let fault = Diagnostic::error("invalid-value", format!("`{}`: {message}", schema.name)).at(span);
            self.diagnostics.push(if hint.is_empty() { fault } else { fault.hint(hint) });
        }
        converted
    }

    fn nested(&mut self, body: &Body, nested: &NestedBlock, slots: &[Value]) -> Value {
        let place = |header| Place { what: &nested.name, header, beside: &[] };
        let mut instances: Vec<(Option<Arc<str>>, Value)> = Vec::new();
        let mut unknown = false;
        for block in &body.blocks {
            if block.kind.name == nested.name {
                let value = self.body(&block.body, &nested.block, &place(block.header()), slots);
                instances.push((block.labels.first().map(|l| l.name.clone()), value));
            } else if dynamic::makes(block, &nested.name) {
                let made = dynamic::expand(block, nested.nesting, self.scope, slots);
                self.diagnostics.extend(made.diagnostics);
                unknown |= made.unknown;
                for Instance { label, content, slots } in made.instances {
                    let value = self.body(content, &nested.block, &place(block.header()), &slots);
                    instances.push((label, value));
                }
            }
        }
        if unknown {
            return Value::unknown(nested.ty.clone());
        }
        if instances.is_empty() {
            return nested.absent.clone();
        }
        let ty = nested.element.clone();
        match nested.nesting {
            Nesting::Single { .. } => {
                instances.into_iter().next().map_or_else(|| nested.absent.clone(), |(_, value)| value)
            }
            Nesting::List => Value::list(ty, instances.into_iter().map(|(_, v)| v).collect::<Vec<_>>()),
            Nesting::Set => Value::set(ty, instances.into_iter().map(|(_, v)| v).collect::<Vec<_>>()),
            Nesting::Map { .. } => {
                Value::map(ty, instances.into_iter().filter_map(|(label, v)| Some((label?, v))))
            }
        }
    }
}

fn wrong_type(name: &str, ty: &Type, value: &Value, error: &value::ConvertError, expr: &Expr) -> Diagnostic {
    let span = locate(expr, &error.path);
    if !error.path.0.is_empty() {
        return Diagnostic::error("wrong-type", format!("`{name}{}`: {}", error.path, error.message))
            .at(span);
    }
    let fault = Diagnostic::error("wrong-type", format!("`{name}` has to be {}", describe_type(ty)))
        .at(span)
        .label(format!("this is {}", describe_value(value)));
    match (ty, &value.ty()) {
        (Type::List(_) | Type::Set(_), Type::String | Type::Number) => {
            fault.hint("put it between brackets: `[…]`")
        }
        (Type::Map(_), Type::Tuple(_) | Type::List(_)) => {
            fault.hint("a map is written `{ NAME = \"value\" }`")
        }
        (Type::Number, Type::String) => fault.hint("write the number without quotes and unit"),
        _ => fault,
    }
}
