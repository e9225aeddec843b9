//! One language for what a block may hold: Mainstay's own blocks and those of every provider are described by it, and decoding,
//! "did you mean" and the reference in `docs/` use the description.
//!
//! A [`Block`] is data. [`decode`] makes one object value of a body by it, and finds every fault of the body on the way.

mod as_blocks;
mod body;
mod decode;
mod dynamic;
mod locate;
mod rule;
mod sensitive;

use std::borrow::Cow;
use std::sync::Arc;

use value::{Type, Value};

pub use decode::{Decoded, decode};
pub use rule::{Rule, duration_ms, size_bytes};

pub(crate) use locate::locate;
pub use locate::place;

/// What a block may hold.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// What it is, in a sentence, for the reference.
    pub doc: Cow<'static, str>,
    /// In the order of the reference.
    pub attributes: Vec<Attribute>,
    /// In the order of the reference.
    pub blocks: Vec<NestedBlock>,
    /// Groups of attributes of which at most one may be given, and of the `true` ones exactly one.
    pub choices: Vec<Choice>,
    /// Whether anything in it is sensitive whatever its value.
    pub has_sensitive: bool,
    /// Whether it should no longer be used.
    pub is_deprecated: bool,
    /// Whether `doc` is Markdown.
    pub is_markdown: bool,
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
    /// Its name, shared by all objects that hold it.
    pub name: Arc<str>,
    /// Its type; attributes of objects in it may be optional.
    pub ty: Type,
    /// What its objects hold, where that is described attribute by attribute.
    pub nested: Option<Arc<Block>>,
    /// Who gives it.
    pub given: Given,
    /// What it is if it is not given; null if nothing is said here.
    pub default: Option<Value>,
    /// What its value must be like beyond its type.
    pub rule: Rule,
    /// What it means, with its unit, for the reference.
    pub doc: Cow<'static, str>,
    /// Whether it is never printed, whatever its value.
    pub is_sensitive: bool,
    /// Whether it is given to the provider and never kept.
    pub is_write_only: bool,
    /// Whether it should no longer be used.
    pub is_deprecated: bool,
    /// Whether `doc` is Markdown.
    pub is_markdown: bool,
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
    /// The configuration may; where it does not, the provider tells.
    OptionalComputed,
    /// Only an apply tells; the configuration may not.
    Computed,
    /// It is an expression for somebody else: decoding leaves it alone.
    Expression,
}

/// A block in a block.
#[derive(Debug, Clone)]
pub struct NestedBlock {
    /// Its type: `port`; shared by all objects that hold it.
    pub name: Arc<str>,
    /// What it may hold.
    pub block: Block,
    /// How often it may come, and what becomes of it.
    pub nesting: Nesting,
    /// How many there have to be at least.
    pub min: u64,
    /// How many there may be; 0: any number.
    pub max: u64,
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
    /// Any number in no order: a set of objects.
    Set,
    /// Any number, each with a label of its own: a map of objects by label.
    Map {
        /// What the label is, for messages: "name".
        label: &'static str,
    },
}

impl Attribute {
    fn new(name: impl Into<Arc<str>>, ty: Type, given: Given, doc: impl Into<Cow<'static, str>>) -> Self {
        let absent = match given {
            Given::Computed | Given::Required => Value::unknown(ty.without_optional()),
            Given::Optional | Given::OptionalComputed | Given::Expression => {
                Value::null(ty.without_optional())
            }
        };
        Self {
            name: name.into(),
            ty,
            nested: None,
            given,
            default: None,
            rule: Rule::Any,
            doc: doc.into(),
            is_sensitive: false,
            is_write_only: false,
            is_deprecated: false,
            is_markdown: false,
            absent,
        }
    }

    /// An attribute as a provider describes it: where the configuration does not give it, it is null until the provider tells.
    #[must_use]
    pub fn of_provider(name: impl Into<Arc<str>>, ty: Type, given: Given) -> Self {
        let mut attribute = Self::new(name, ty, given, "");
        if given == Given::Computed {
            attribute.absent = Value::null(attribute.ty.without_optional());
        }
        attribute
    }

    /// Never printed.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.is_sensitive = true;
        self
    }

    /// An attribute that has to be given.
    #[must_use]
    pub fn required(name: impl Into<Arc<str>>, ty: Type, doc: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, ty, Given::Required, doc)
    }

    /// An attribute that may be given.
    #[must_use]
    pub fn optional(name: impl Into<Arc<str>>, ty: Type, doc: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, ty, Given::Optional, doc)
    }

    /// An attribute that only an apply tells.
    #[must_use]
    pub fn computed(name: impl Into<Arc<str>>, ty: Type, doc: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, ty, Given::Computed, doc)
    }

    /// An expression for somebody else.
    #[must_use]
    pub fn expression(name: impl Into<Arc<str>>, doc: impl Into<Cow<'static, str>>) -> Self {
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
    pub fn new(name: impl Into<Arc<str>>, nesting: Nesting, block: Block) -> Self {
        let element = block.ty();
        let ty = nesting.ty(element.clone());
        let absent = match nesting {
            Nesting::Single { defaults: true } => block.defaults(),
            Nesting::Single { defaults: false } => Value::null(ty.clone()),
            Nesting::List => Value::list(element.clone(), Vec::new()),
            Nesting::Set => Value::set(element.clone(), Vec::new()),
            Nesting::Map { .. } => Value::map(element.clone(), Vec::<(Arc<str>, Value)>::new()),
        };
        Self { name: name.into(), block, nesting, min: 0, max: 0, element, ty, absent }
    }

    /// With bounds on how many there are; `max` 0: any number.
    #[must_use]
    pub fn between(mut self, min: u64, max: u64) -> Self {
        self.min = min;
        self.max = max;
        self
    }
}

impl Block {
    /// A block as a provider describes it.
    #[must_use]
    pub fn of_provider(attributes: Vec<Attribute>, blocks: Vec<NestedBlock>) -> Self {
        let nested = |a: &Attribute| a.nested.as_ref().is_some_and(|block| block.has_sensitive);
        let has_sensitive = attributes.iter().any(|a| a.is_sensitive || nested(a))
            || blocks.iter().any(|b| b.block.has_sensitive);
        Self { attributes, blocks, has_sensitive, ..Self::default() }
    }

    /// The attribute of a name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name.as_ref() == name)
    }

    /// The nested block of a type.
    #[must_use]
    pub fn nested(&self, name: &str) -> Option<&NestedBlock> {
        self.blocks.iter().find(|b| b.name.as_ref() == name)
    }

    /// What it is with nothing in it: what is computed or required is unknown.
    fn defaults(&self) -> Value {
        let given = self.attributes.iter().filter(|a| a.given != Given::Expression);
        let attributes = given.map(|a| (a.name.clone(), a.absent.clone()));
        Value::object(attributes.chain(self.blocks.iter().map(|b| (b.name.clone(), b.absent.clone()))))
    }

    /// The type of what decoding makes of it.
    #[must_use]
    pub fn ty(&self) -> Type {
        let attributes = self
            .attributes
            .iter()
            .filter(|a| a.given != Given::Expression)
            .map(|a| (a.name.clone(), a.ty.without_optional()));
        let blocks = self.blocks.iter().map(|b| (b.name.clone(), b.ty.clone()));
        Type::object(attributes.chain(blocks))
    }
}

impl Nesting {
    fn ty(self, object: Type) -> Type {
        match self {
            Self::Single { .. } => object,
            Self::List => Type::list(object),
            Self::Set => Type::set(object),
            Self::Map { .. } => Type::map(object),
        }
    }
}
