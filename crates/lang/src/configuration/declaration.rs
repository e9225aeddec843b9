//! What a configuration declares, block by block. Bodies are resolved and not evaluated.

use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Span};
use value::{Kind, Type, Value};

use crate::blocks;
use crate::eval::{Scope, evaluate_with};
use crate::resolve::{Reference, ServiceId};
use crate::schema::{Decoded, decode};
use crate::syntax::{Body, Expr, Identifier};

/// `variable "name" {}`.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its name.
    pub name: Identifier,
    /// Its type; [`Type::Dynamic`] where none is said.
    pub ty: Type,
    /// Whether its type is said; what is given as text is plain text otherwise.
    pub is_typed: bool,
    /// What it is if nobody gives it, converted to its type.
    pub default: Option<Value>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it is never printed, and stored sealed.
    pub sensitive: bool,
    /// Whether null may be given; otherwise null means the default.
    pub nullable: bool,
    /// Whether it is never stored.
    pub ephemeral: bool,
    /// What has to hold.
    pub validations: Vec<Condition>,
    /// Where its block begins.
    pub header: Span,
    /// What its validations refer to.
    pub references: Vec<Reference>,
}

/// A condition that has to hold, and what is said if it does not.
#[derive(Debug, Clone)]
pub struct Condition {
    /// True or false.
    pub condition: Expr,
    /// What a person reads if it is false.
    pub message: Expr,
}

/// One entry of `locals {}`.
#[derive(Debug, Clone)]
pub struct Local {
    /// Its name.
    pub name: Identifier,
    /// Its value.
    pub expr: Expr,
    /// What it refers to.
    pub references: Vec<Reference>,
}

/// `output "name" {}`.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its name.
    pub name: Identifier,
    /// Its value.
    pub expr: Expr,
    /// What it is.
    pub description: Option<String>,
    /// Whether it is never printed.
    pub sensitive: bool,
    /// Whether it is never stored; only in a module that another calls.
    pub ephemeral: bool,
    /// What has to hold before it is told.
    pub preconditions: Vec<Condition>,
    /// What comes before it besides what it refers to.
    pub depends_on: Vec<Dependency>,
    /// Where its block begins.
    pub header: Span,
    /// What its value and conditions refer to.
    pub references: Vec<Reference>,
}

/// An entry of `depends_on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// What comes first.
    pub on: Reference,
    /// Where it is said.
    pub span: Span,
}

/// `service "name" {}`.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name.
    pub name: Identifier,
    /// Where its block begins.
    pub header: Span,
    /// `count`.
    pub count: Option<Expr>,
    /// `for_each`.
    pub for_each: Option<Expr>,
    /// `depends_on`.
    pub depends_on: Vec<Dependency>,
    /// The rest; the attributes above are no longer in it.
    pub body: Body,
    /// What the body, `count` and `for_each` refer to; `depends_on` is not in it.
    pub references: Vec<Reference>,
}

/// `image "name" {}`.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its name: `shop/web`.
    pub name: Identifier,
    /// Where its block begins.
    pub header: Span,
    /// What is in it.
    pub body: Body,
    /// What the body refers to.
    pub references: Vec<Reference>,
}

/// `seed "name" {}`.
#[derive(Debug, Clone)]
pub struct Seed {
    /// Its name.
    pub name: Identifier,
    /// Where its block begins.
    pub header: Span,
    /// The service that it is loaded into.
    pub service: ServiceId,
    /// The key of an object, which is slot 0.
    key: Expr,
    /// What is in it, `service` as its name.
    pub body: Body,
    /// What body and key refer to.
    pub references: Vec<Reference>,
}

impl Variable {
    /// What it refers to.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }
}

impl Local {
    /// What it refers to.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }
}

impl Output {
    /// What it refers to.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }
}

impl Service {
    /// What it refers to; `depends_on` is apart.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The service as an object of [`blocks::service_type`], and what is wrong with it.
    #[must_use]
    pub fn decode(&self, scope: &dyn Scope) -> Decoded {
        let what = format!("service \"{}\"", self.name.name);
        let mut decoded = decode(&self.body, self.header, &what, &blocks::SERVICE, &[], scope);
        self.check_ports(&decoded.value, &mut decoded.diagnostics);
        decoded
    }

    /// Every port that is named has to be one of the service's.
    fn check_ports(&self, service: &Value, faults: &mut Diagnostics) {
        let Some(ports) = service.get("port") else { return };
        let Some(ports) = ports.as_entries() else { return };
        let named = self
            .body
            .blocks
            .iter()
            .filter(|b| matches!(b.kind.name.as_ref(), "health" | "route"))
            .map(|b| (b, b.body.attribute("port")));
        let routes = service.get("route");
        let mut routes = routes.as_ref().and_then(Value::as_slice).unwrap_or_default().iter();
        for (block, attribute) in named {
            let value = match block.kind.name.as_ref() {
                "route" => routes.next().and_then(|r| r.get("port")),
                _ => service.get("health").and_then(|h| h.get("port")),
            };
            let span = attribute.map_or_else(|| block.header(), |a| a.expr.span);
            match value.as_ref().map(Value::kind) {
                Some(Kind::String(name)) if !ports.contains_key(name) => {
                    let fault =
                        Diagnostic::error("unknown-port", format!("this service has no port `{name}`"))
                            .at(span);
                    faults.push(match diag::closest(name, ports.keys().map(AsRef::as_ref)) {
                        Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                        None => fault.hint(format!("add `port \"{name}\" {{ container = … }}`")),
                    });
                }
                Some(Kind::Null(_)) if ports.is_empty() && block.body.attribute("command").is_none() => {
                    faults.push(
                        Diagnostic::error(
                            "no-port",
                            format!("`{}` needs a port, and the service has none", block.kind.name),
                        )
                        .at(span)
                        .hint("add `port \"http\" { container = … }` to the service"),
                    );
                }
                _ => {}
            }
        }
    }
}

impl Image {
    /// What it refers to.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The image's description as an object of the schema's type, and what is wrong with it.
    #[must_use]
    pub fn decode(&self, scope: &dyn Scope) -> Decoded {
        let what = format!("image \"{}\"", self.name.name);
        decode(&self.body, self.header, &what, &blocks::IMAGE, &[], scope)
    }
}

impl Seed {
    pub(super) fn new(
        name: Identifier,
        header: Span,
        service: ServiceId,
        key: Expr,
        body: Body,
        references: Vec<Reference>,
    ) -> Self {
        Self { name, header, service, key, body, references }
    }

    /// What it refers to.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The seed's description as an object of the schema's type, and what is wrong with it.
    #[must_use]
    pub fn decode(&self, scope: &dyn Scope) -> Decoded {
        let what = format!("seed \"{}\"", self.name.name);
        decode(&self.body, self.header, &what, &blocks::SEED, &[], scope)
    }

    /// The key of one object of its files.
    ///
    /// # Errors
    /// If the expression has none for it, or it is not text.
    pub fn key(&self, object: Value, scope: &dyn Scope) -> Result<Arc<str>, Diagnostics> {
        let value = evaluate_with(&self.key, scope, &[object])?;
        let text = value::convert(&value, &Type::String).ok();
        match text.as_ref().and_then(Value::as_str) {
            Some(text) if !text.is_empty() => Ok(text.into()),
            _ => Err(Diagnostic::error(
                "invalid-key",
                "the key of a seed's object has to be a string that is not empty",
            )
            .at(self.key.span)
            .label(format!("this is {}", crate::eval::describe_value(&value)))
            .into()),
        }
    }

    /// The faults of the key that show without an object.
    pub(super) fn check_key(&self, scope: &dyn Scope) -> Diagnostics {
        evaluate_with(&self.key, scope, &[Value::unknown(Type::Dynamic)]).err().unwrap_or_default()
    }
}
