//! From the arguments as they are written to what a function's body sees, and from its answer to the result.
//!
//! Here arguments are counted, converted and checked for null; an unknown one makes the result unknown, and so does chance before an apply; marks are taken off and put
//! on the result. It knows no function by name.

use value::{Marks, Number, Path, Refinements, Step, Type, Value, convert};

use super::signature::Function;
use super::{FunctionContext, FunctionError};

/// The arguments of one call, as the function's parameters promise them.
pub(super) struct Arguments<'a> {
    pub(super) values: Vec<Value>,
    pub(super) context: &'a FunctionContext<'a>,
}

impl Arguments<'_> {
    /// The text of an argument whose parameter is a string.
    pub(super) fn text(&self, at: usize) -> &str {
        self.values.get(at).and_then(Value::as_str).unwrap_or_default()
    }

    /// The number of an argument whose parameter is a number.
    pub(super) fn number(&self, at: usize) -> Number {
        self.values.get(at).and_then(Value::as_number).cloned().unwrap_or_else(|| Number::from(0i64))
    }

    /// The whole number of an argument whose parameter is a number.
    pub(super) fn integer(&self, at: usize) -> Result<i64, Failure> {
        integer(&self.number(at)).map_err(|message| Failure::at(at, message))
    }

    /// An argument.
    pub(super) fn value(&self, at: usize) -> &Value {
        &self.values[at]
    }

    /// The elements of an argument whose parameter is a list or set.
    pub(super) fn elements(&self, at: usize) -> &[Value] {
        self.values.get(at).and_then(Value::as_slice).unwrap_or_default()
    }

    /// The arguments from a place on.
    pub(super) fn from(&self, at: usize) -> &[Value] {
        self.values.get(at..).unwrap_or_default()
    }
}

/// The number as a whole one, or what is wrong with it.
pub(super) fn integer(number: &Number) -> Result<i64, &'static str> {
    number
        .to_i64()
        .ok_or("value must be a whole number, between -9223372036854775808 and 9223372036854775807")
}

/// Why a function has no result, before it is known whether it may be told in full.
#[derive(Debug)]
pub(super) struct Failure {
    argument: Option<usize>,
    message: String,
    /// The message without the values in it, for when they are sensitive.
    redacted: Option<String>,
    hint: Option<String>,
}

impl Failure {
    /// One argument is at fault. The message shows no value.
    pub(super) fn at(argument: usize, message: impl Into<String>) -> Self {
        Self { argument: Some(argument), message: message.into(), redacted: None, hint: None }
    }

    /// The call as a whole is at fault. The message shows no value.
    pub(super) fn call(message: impl Into<String>) -> Self {
        Self { argument: None, message: message.into(), redacted: None, hint: None }
    }

    /// With a message that shows values: `make` passes each through the function that it is given.
    pub(super) fn showing(
        argument: Option<usize>,
        make: impl Fn(&dyn Fn(String) -> String) -> String,
    ) -> Self {
        let message = make(&|value| value);
        let redacted = Some(make(&|_| "(sensitive value)".to_owned()));
        Self { argument, message, redacted, hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn told(self, sensitive: bool) -> FunctionError {
        let message = match self.redacted {
            Some(redacted) if sensitive => redacted,
            _ => self.message,
        };
        FunctionError { argument: self.argument, message, hint: self.hint }
    }
}

pub(super) fn call(
    function: &Function,
    args: &[Value],
    context: &FunctionContext<'_>,
) -> Result<Value, FunctionError> {
    count(function, args.len())?;
    let mut marks = Marks::NONE;
    let mut values = Vec::with_capacity(args.len());
    let (mut result_is_unknown, mut type_is_open) = (function.is_random && !context.may_draw, false);
    for (at, arg) in args.iter().enumerate() {
        let Some(parameter) = function.signature.parameter(at) else { continue };
        let converted = convert(arg, &parameter.shape.ty())
            .map_err(|e| FunctionError::new(Some(at), format!("{}{}", place(&e.path), e.message)))?;
        if converted.is_null() && !parameter.nullable {
            return Err(FunctionError::new(Some(at), "argument must not be null"));
        }
        let converted = if parameter.allows_marked() {
            converted
        } else {
            let (plain, own) = converted.unmark_deep();
            marks = marks.union(own);
            plain
        };
        type_is_open |= parameter.leaves_type_open(&converted);
        result_is_unknown |= !parameter.takes(&converted);
        values.push(converted);
    }
    let sensitive = values.iter().fold(marks, |m, v| m.union(v.marks_deep())).contains(Marks::SENSITIVE);
    let arguments = Arguments { values, context };
    let result = if type_is_open {
        Ok(unknown(function, Type::Dynamic))
    } else if result_is_unknown {
        match function.result_type {
            Some(result_type) => result_type(&arguments.values).map(|ty| unknown(function, ty)),
            None => Ok(unknown(function, function.signature.returns.ty())),
        }
    } else {
        (function.body)(&arguments)
    };
    result.map(|value| value.with_marks(marks)).map_err(|failure| failure.told(sensitive))
}

/// A place inside an argument, to stand in front of what is wrong there.
fn place(path: &Path) -> String {
    let steps = path.0.iter().map(|step| match step {
        Step::Attribute(name) => format!("attribute {name:?}: "),
        Step::Key(key) => format!("element {key:?}: "),
        Step::Index(index) => format!("element {index}: "),
    });
    steps.collect()
}

fn unknown(function: &Function, ty: Type) -> Value {
    let not_null = !function.may_be_null && ty != Type::Dynamic;
    Value::refined(ty, Refinements { not_null, ..Refinements::default() })
}

fn count(function: &Function, given: usize) -> Result<(), FunctionError> {
    let signature = &function.signature;
    let (name, wanted) = (signature.name, signature.parameters.len());
    if let Some(missing) = signature.parameters.get(given) {
        let at_least = if signature.variadic.is_some() { "at least " } else { "" };
        return Err(FunctionError::new(
            None,
            format!(
                "Function {name:?} expects {at_least}{wanted} argument(s). Missing value for {:?}.",
                missing.name
            ),
        ));
    }
    if given > wanted && signature.variadic.is_none() {
        return Err(FunctionError::new(
            None,
            format!("Function {name:?} expects only {wanted} argument(s)."),
        ));
    }
    Ok(())
}
