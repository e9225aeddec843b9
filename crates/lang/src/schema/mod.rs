//! One language for what a block may hold: Mainstay's own blocks are described by it, and decoding, "did you mean" and the
//! reference in `docs/` use the description.
//!
//! A [`Block`] is data. [`decode`] makes one object value of a body by it, and finds every fault of the body on the way.

mod body;
mod decode;
mod dynamic;
mod locate;
mod rule;

use std::sync::Arc;

use value::{Type, Value};

pub use decode::{Decoded, decode};
pub use rule::{Rule, duration_ms, size_bytes};

pub(crate) use locate::locate;

/// What a block may hold.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// What it is, in a sentence, for the reference.
    pub doc: &'static str,
    /// In the order of the reference.
    pub attributes: Vec<Attribute>,
    /// In the order of the reference.
    pub blocks: Vec<NestedBlock>,
    /// Groups of attributes of which at most one may be given, and of the `true` ones exactly one.
    pub choices: Vec<Choice>,
}

/// Attributes that exclude each other.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Their names.
    pub of: &'static [&'static str],
    /// Whether one has to be given.
    pub required: bool,
}

/// An attribute.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// The name as objects hold it: shared by all of them.
    pub(crate) key: Arc<str>,
    /// Its type.
    pub ty: Type,
    /// Who gives it.
    pub given: Given,
    /// What it is if it is not given; null if nothing is said here.
    pub default: Option<Value>,
    /// What its value must be like beyond its type.
    pub rule: Rule,
    /// What it means, with its unit, for the reference.
    pub doc: &'static str,
    /// What it is where it is left out, made once: every block of the kind has it.
    pub(crate) absent: Value,
}

/// Who gives an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// The configuration has to.
    Required,
    /// The configuration may.
    Optional,
    /// Only an apply tells; the configuration may not.
    Computed,
    /// It is an expression for somebody else: decoding leaves it alone.
    Expression,
}

/// A block in a block.
#[derive(Debug, Clone)]
pub struct NestedBlock {
    /// Its type: `port`.
    pub name: &'static str,
    /// The name as objects hold it: shared by all of them.
    pub(crate) key: Arc<str>,
    /// What it may hold.
    pub block: Block,
    /// How often it may come, and what becomes of it.
    pub nesting: Nesting,
    /// The type of one of them; made once, as the next two.
    pub(crate) element: Type,
    /// The type of all of them together.
    pub(crate) ty: Type,
    /// What they are where there is none.
    pub(crate) absent: Value,
}

/// How often a block may come, and what becomes of it in the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// At most once: an object, or null. With `defaults`: an object of its defaults where it is left out.
    Single {
        /// Whether leaving it out means its defaults.
        defaults: bool,
    },
    /// Any number: a list of objects.
    List,
    /// Any number, each with a label of its own: a map of objects by label.
    Map {
        /// What the label is, for messages: "name".
        label: &'static str,
    },
}

impl Attribute {
    fn new(name: &'static str, ty: Type, given: Given, doc: &'static str) -> Self {
        let absent = match given {
            Given::Computed | Given::Required => Value::unknown(ty.without_optional()),
            Given::Optional | Given::Expression => Value::null(ty.without_optional()),
        };
        Self { name, key: name.into(), ty, given, default: None, rule: Rule::Any, doc, absent }
    }

    /// An attribute that has to be given.
    #[must_use]
    pub fn required(name: &'static str, ty: Type, doc: &'static str) -> Self {
        Self::new(name, ty, Given::Required, doc)
    }

    /// An attribute that may be given.
    #[must_use]
    pub fn optional(name: &'static str, ty: Type, doc: &'static str) -> Self {
        Self::new(name, ty, Given::Optional, doc)
    }

    /// An attribute that only an apply tells.
    #[must_use]
    pub fn computed(name: &'static str, ty: Type, doc: &'static str) -> Self {
        Self::new(name, ty, Given::Computed, doc)
    }

    /// An expression for somebody else.
    #[must_use]
    pub fn expression(name: &'static str, doc: &'static str) -> Self {
        Self::new(name, Type::Dynamic, Given::Expression, doc)
    }

    /// With a default.
    #[must_use]
    pub fn or(mut self, default: Value) -> Self {
        self.absent = default.clone();
        self.default = Some(default);
        self
    }

    /// With a rule.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }
}

impl NestedBlock {
    /// A block in a block.
    #[must_use]
    pub fn new(name: &'static str, nesting: Nesting, block: Block) -> Self {
        let element = block.ty();
        let ty = nesting.ty(element.clone());
        let absent = match nesting {
            Nesting::Single { defaults: true } => block.defaults(),
            Nesting::Single { defaults: false } => Value::null(ty.clone()),
            Nesting::List => Value::list(element.clone(), Vec::new()),
            Nesting::Map { .. } => Value::map(element.clone(), Vec::<(Arc<str>, Value)>::new()),
        };
        Self { name, key: name.into(), block, nesting, element, ty, absent }
    }
}

impl Block {
    /// The attribute of a name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }

    /// The nested block of a type.
    #[must_use]
    pub fn nested(&self, name: &str) -> Option<&NestedBlock> {
        self.blocks.iter().find(|b| b.name == name)
    }

    /// What it is with nothing in it: what is computed or required is unknown.
    fn defaults(&self) -> Value {
        let given = self.attributes.iter().filter(|a| a.given != Given::Expression);
        let attributes = given.map(|a| (a.key.clone(), a.absent.clone()));
        Value::object(attributes.chain(self.blocks.iter().map(|b| (b.key.clone(), b.absent.clone()))))
    }

    /// The type of what decoding makes of it.
    #[must_use]
    pub fn ty(&self) -> Type {
        let attributes = self
            .attributes
            .iter()
            .filter(|a| a.given != Given::Expression)
            .map(|a| (a.name, a.ty.without_optional()));
        let blocks = self.blocks.iter().map(|b| (b.name, b.nesting.ty(b.block.ty())));
        Type::object(attributes.chain(blocks))
    }
}

impl Nesting {
    fn ty(self, object: Type) -> Type {
        match self {
            Self::Single { .. } => object,
            Self::List => Type::list(object),
            Self::Map { .. } => Type::map(object),
        }
    }
}
