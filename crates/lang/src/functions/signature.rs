//! What a function takes and returns, as data.
//!
//! Documentation, conversion of arguments and the checks before a call are all driven by it. It calls nothing itself.

use value::{Type, Value};

use super::arguments::{Arguments, Failure};

/// What a function takes and returns.
#[derive(Debug)]
pub struct Signature {
    /// The function's name.
    pub name: &'static str,
    /// What it does, in a line.
    pub doc: &'static str,
    /// Parameters that have to be given.
    pub parameters: &'static [Parameter],
    /// The parameter that takes any number of further arguments.
    pub variadic: Option<Parameter>,
    /// What it returns; [`Shape::Any`] where that depends on the arguments.
    pub returns: Shape,
}

impl Signature {
    /// The parameter that an argument, counted from zero, is given to; `None` if there is none.
    #[must_use]
    pub fn parameter(&self, argument: usize) -> Option<&Parameter> {
        self.parameters.get(argument).or(self.variadic.as_ref())
    }
}

/// One parameter.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it takes: arguments are converted to it.
    pub shape: Shape,
    /// Whether it may be null.
    pub nullable: bool,
    allows: u8,
}

const UNKNOWN: u8 = 1;
const DYNAMIC: u8 = 2;
const MARKED: u8 = 4;
const UNKNOWN_INSIDE: u8 = 8;

impl Parameter {
    /// A parameter for known values without marks, nulls or unknown parts: the usual case.
    pub(super) const fn new(name: &'static str, shape: Shape) -> Self {
        Self { name, shape, nullable: false, allows: 0 }
    }

    /// The same, and it may be null.
    pub(super) const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// The same, and parts of it may be unknown while it is itself known.
    pub(super) const fn partly_unknown(mut self) -> Self {
        self.allows |= UNKNOWN_INSIDE;
        self
    }

    /// The same, and it may be unknown as a whole, of a type that is known.
    pub(super) const fn unknown(mut self) -> Self {
        self.allows |= UNKNOWN | UNKNOWN_INSIDE;
        self
    }

    /// The same, and even its type may be unknown.
    pub(super) const fn dynamic(mut self) -> Self {
        self.allows |= UNKNOWN | UNKNOWN_INSIDE | DYNAMIC;
        self
    }

    /// The same, and it keeps its marks: the function sees to them.
    pub(super) const fn marked(mut self) -> Self {
        self.allows |= MARKED;
        self
    }

    pub(super) const fn allows_marked(&self) -> bool {
        self.allows & MARKED != 0
    }

    /// Whether a function can work with the value, as far as what is unknown about it goes.
    pub(super) fn takes(&self, value: &Value) -> bool {
        if !value.is_known() {
            self.allows & UNKNOWN != 0 && (self.allows & DYNAMIC != 0 || value.ty() != Type::Dynamic)
        } else {
            self.allows & UNKNOWN_INSIDE != 0 || value.is_wholly_known()
        }
    }

    /// Whether the value's type, unknown as it is, leaves the type of the result unknown too.
    pub(super) fn leaves_type_open(&self, value: &Value) -> bool {
        self.allows & DYNAMIC == 0 && value.ty() == Type::Dynamic
    }
}

/// A type in a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Anything.
    Any,
    /// `bool`.
    Bool,
    /// `number`.
    Number,
    /// `string`.
    String,
    /// `list(any)`.
    ListOfAny,
    /// `list(list(any))`.
    ListOfLists,
    /// `list(bool)`.
    ListOfBool,
    /// `list(number)`.
    ListOfNumber,
    /// `list(string)`.
    ListOfString,
    /// `set(any)`.
    SetOfAny,
    /// `set(string)`.
    SetOfString,
    /// `map(any)`.
    MapOfAny,
    /// `map(list(string))`.
    MapOfLists,
}

impl Shape {
    /// The type, as a constraint.
    #[must_use]
    pub fn ty(self) -> Type {
        match self {
            Self::Any => Type::Dynamic,
            Self::Bool => Type::Bool,
            Self::Number => Type::Number,
            Self::String => Type::String,
            Self::ListOfAny => Type::list(Type::Dynamic),
            Self::ListOfLists => Type::list(Type::list(Type::Dynamic)),
            Self::ListOfBool => Type::list(Type::Bool),
            Self::ListOfNumber => Type::list(Type::Number),
            Self::ListOfString => Type::list(Type::String),
            Self::SetOfAny => Type::set(Type::Dynamic),
            Self::SetOfString => Type::set(Type::String),
            Self::MapOfAny => Type::map(Type::Dynamic),
            Self::MapOfLists => Type::map(Type::list(Type::String)),
        }
    }
}

/// What a function does with its arguments.
pub(super) type Body = fn(&Arguments<'_>) -> Result<Value, Failure>;

/// The type of a function's result where it follows from what the arguments are before they are known.
pub(super) type ResultType = fn(&[Value]) -> Result<Type, Failure>;

/// A function of the table.
pub(super) struct Function {
    pub(super) signature: Signature,
    pub(super) body: Body,
    pub(super) result_type: Option<ResultType>,
    /// Whether the result may be null, so that an unknown one may not be refined to be not null.
    pub(super) may_be_null: bool,
    /// Whether it draws random numbers or reads the clock, so that it has a result only where the context says so.
    pub(super) is_random: bool,
}

impl Function {
    pub(super) const fn new(
        name: &'static str,
        parameters: &'static [Parameter],
        returns: Shape,
        body: Body,
        doc: &'static str,
    ) -> Self {
        let signature = Signature { name, doc, parameters, variadic: None, returns };
        Self { signature, body, result_type: None, may_be_null: false, is_random: false }
    }

    /// The same, with a parameter for any number of further arguments.
    pub(super) const fn rest(mut self, parameter: Parameter) -> Self {
        self.signature.variadic = Some(parameter);
        self
    }

    /// The same, with a type of the result that follows from the arguments.
    pub(super) const fn typed(mut self, result_type: ResultType) -> Self {
        self.result_type = Some(result_type);
        self
    }

    /// The same, and its result may be null.
    pub(super) const fn may_be_null(mut self) -> Self {
        self.may_be_null = true;
        self
    }

    /// The same, and what it gives is another each time: it draws random numbers, or reads the clock.
    pub(super) const fn random(mut self) -> Self {
        self.is_random = true;
        self
    }
}
