//! The tree of a configuration's text, with the place of everything. It holds no values but literals; what names mean is put
//! in by [`crate::resolve`].

use std::sync::Arc;

use diag::Span;
use value::{Number, Value};

use crate::resolve::Reference;

/// A name with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Identifier {
    /// The name.
    pub name: Arc<str>,
    /// Where.
    pub span: Span,
}

/// What is between the braces of a block, or a whole file.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// `name = value`, in the order of the text.
    pub attributes: Vec<Attribute>,
    /// Blocks, in the order of the text.
    pub blocks: Vec<Block>,
    /// Where.
    pub span: Span,
    /// Whether it was read from JSON, where a schema tells blocks from attributes: see [`Body::promote`].
    pub is_json: bool,
}

impl Body {
    pub(crate) fn native(span: Span) -> Self {
        Self { attributes: Vec::new(), blocks: Vec::new(), span, is_json: false }
    }

    pub(crate) fn json(span: Span) -> Self {
        Self { is_json: true, ..Self::native(span) }
    }

    /// The attribute of a name; the first, where a fault has it twice.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name.name.as_ref() == name)
    }

    /// The blocks of a type.
    pub fn blocks_of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |b| b.kind.name.as_ref() == kind)
    }
}

/// `name = value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// Its name.
    pub name: Identifier,
    /// Its value.
    pub expr: Expr,
}

impl Attribute {
    /// All of it.
    #[must_use]
    pub fn span(&self) -> Span {
        self.name.span.to(self.expr.span)
    }
}

/// `kind "label" { … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Its type.
    pub kind: Identifier,
    /// Its labels.
    pub labels: Vec<Identifier>,
    /// What is in it.
    pub body: Body,
}

impl Block {
    /// Where something is told that is missing in it: at its header, and in JSON, where that is far away, at its body.
    #[must_use]
    pub fn place(&self) -> Span {
        if self.body.is_json { self.body.span } else { self.header() }
    }

    /// The type and labels, without the body.
    #[must_use]
    pub fn header(&self) -> Span {
        self.labels.last().map_or(self.kind.span, |last| self.kind.span.to(last.span))
    }
}

/// An expression and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// What an expression is. Chains (`a + b + c`, `a.b.c`) are flat, so that a long one is no deep tree.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A number, `true`, `false`, `null`, or a string without interpolation.
    Literal(Value),
    /// A string of several parts.
    Template(Vec<Part>),
    /// `"${x}"`: the value of `x`, whatever its type.
    Wrap(Box<Expr>),
    /// `[a, b]`.
    Tuple(Vec<Expr>),
    /// `{ a = b }`.
    Object(Vec<Item>),
    /// A name whose meaning has not been looked up.
    Name(Arc<str>),
    /// What a name means.
    Reference(Reference),
    /// A value and steps into it.
    Traversal(Box<Expr>, Vec<Step>),
    /// `name(a, b...)`.
    Call(Box<Call>),
    /// `condition ? a : b`.
    Conditional(Box<[Expr; 3]>),
    /// Operands of one precedence, from left to right.
    Binary(Box<Expr>, Vec<(Operator, Expr)>),
    /// `-x`.
    Negate(Box<Expr>),
    /// `!x`.
    Not(Box<Expr>),
    /// `[for …]` or `{for …}`.
    For(Box<For>),
    /// `(x)`.
    Parens(Box<Expr>),
    /// A piece of text that could not be read; its fault has been reported, and its value is unknown.
    Broken,
}

/// `key = value` in an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// A bare name is a literal string.
    pub key: Expr,
    /// The value.
    pub value: Expr,
}

/// One step into a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// `.name`.
    Attribute(Identifier),
    /// `.0`, as older configurations write `[0]`.
    LegacyIndex(Number, Span),
    /// `[key]`.
    Index(Expr, Span),
    /// `[*]` (full) or `.*`, and the steps into each element.
    Splat {
        /// Whether it is `[*]`.
        full: bool,
        /// Into each element.
        steps: Vec<Step>,
        /// Of the sign.
        span: Span,
    },
}

impl Step {
    /// Where.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Attribute(name) => name.span,
            Self::LegacyIndex(_, span) | Self::Index(_, span) | Self::Splat { span, .. } => *span,
        }
    }
}

/// A function call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The function, with `::` where it has namespaces.
    pub name: Identifier,
    /// The arguments.
    pub arguments: Vec<Expr>,
    /// Whether `...` follows the last argument.
    pub expand: bool,
}

/// A `for` expression.
#[derive(Debug, Clone, PartialEq)]
pub struct For {
    /// The name of the key, if it has one.
    pub key_name: Option<Identifier>,
    /// The name of the element.
    pub value_name: Identifier,
    /// What is gone through.
    pub collection: Expr,
    /// The key of the result; none for a tuple.
    pub key: Option<Expr>,
    /// The element of the result.
    pub value: Expr,
    /// After `if`.
    pub condition: Option<Expr>,
    /// Whether `...` groups values under one key.
    pub group: bool,
}

/// An operator of two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Operator {
    /// As it is written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        }
    }
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text.
    Text(Arc<str>),
    /// `${x}`.
    Value(Expr),
    /// `%{if}`.
    If {
        /// The condition.
        condition: Expr,
        /// If it is true.
        then: Vec<Part>,
        /// If it is not.
        otherwise: Vec<Part>,
    },
    /// `%{for}`.
    For {
        /// The name of the key, if it has one.
        key_name: Option<Identifier>,
        /// The name of the element.
        value_name: Identifier,
        /// What is gone through.
        collection: Expr,
        /// For each.
        body: Vec<Part>,
    },
}
