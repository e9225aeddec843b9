//! Functions that providers offer: their signatures, and what becomes of arguments before a provider sees them. It calls nothing.

use std::sync::Arc;

use lang::functions::FunctionError;
use value::{Marks, Type, Value, convert};

/// A function of a provider.
#[derive(Debug, Clone)]
pub struct FunctionSchema {
    /// What it takes.
    pub parameters: Vec<FunctionParameter>,
    /// What it takes any number of after those.
    pub variadic: Option<FunctionParameter>,
    /// What it gives.
    pub result: Type,
    /// Its signature with its texts, in the form of `terraform metadata functions -json`.
    pub metadata: serde_json::Value,
}

/// What a function takes.
#[derive(Debug, Clone)]
pub struct FunctionParameter {
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub ty: Type,
    /// Whether it may be null.
    pub is_nullable: bool,
    /// Whether the provider wants to see values that are not known, also in parts.
    pub takes_unknown: bool,
}

/// A call that may be made.
#[derive(Debug)]
pub(super) struct Prepared {
    /// Of the parameters' types and without marks; `None`: the result is not known, since an argument is not.
    pub arguments: Option<Vec<Value>>,
    /// What the result is marked with.
    pub marks: Marks,
}

impl FunctionSchema {
    /// The arguments as the provider is to be given them. `name` as it is written.
    pub(super) fn prepare(&self, name: &str, given: &[Value]) -> Result<Prepared, FunctionError> {
        self.count(name, given.len())?;
        let mut prepared = Prepared { arguments: Some(Vec::with_capacity(given.len())), marks: Marks::NONE };
        let parameters = self.parameters.iter().chain(self.variadic.iter().flat_map(std::iter::repeat));
        for (at, (value, parameter)) in given.iter().zip(parameters).enumerate() {
            let invalid = |why: &str| {
                FunctionError::new(
                    Some(at),
                    format!("Invalid value for {:?} parameter: {why}", parameter.name),
                )
            };
            let (value, marks) =
                convert(value, &parameter.ty).map_err(|error| invalid(&error.message))?.unmark_deep();
            prepared.marks = prepared.marks.union(marks);
            if value.is_null() && !parameter.is_nullable {
                return Err(invalid("argument must not be null"));
            }
            if !parameter.takes_unknown && !value.is_wholly_known() {
                prepared.arguments = None;
            }
            if let Some(arguments) = &mut prepared.arguments {
                arguments.push(value);
            }
        }
        Ok(prepared)
    }

    fn count(&self, name: &str, given: usize) -> Result<(), FunctionError> {
        let wanted = self.parameters.len();
        let fault = |rest: String| Err(FunctionError::new(None, format!("Function {name:?} expects {rest}")));
        if let Some(missing) = self.parameters.get(given) {
            let at_least = if self.variadic.is_some() { "at least " } else { "" };
            return fault(format!("{at_least}{wanted} argument(s). Missing value for {:?}.", missing.name));
        }
        if given > wanted && self.variadic.is_none() {
            return fault(format!("only {wanted} argument(s)."));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joining() -> FunctionSchema {
        let text = |name: &str| FunctionParameter {
            name: name.into(),
            ty: Type::String,
            is_nullable: false,
            takes_unknown: false,
        };
        FunctionSchema {
            parameters: vec![text("separator")],
            variadic: Some(text("words")),
            result: Type::String,
            metadata: serde_json::Value::Null,
        }
    }

    #[test]
    fn arguments_are_converted_and_their_marks_go_to_the_result() {
        let secret = Value::string("a").with_marks(Marks::SENSITIVE);
        let prepared = joining().prepare("f", &[Value::number(1), secret]).unwrap();
        assert_eq!(prepared.arguments, Some(vec![Value::string("1"), Value::string("a")]));
        assert_eq!(prepared.marks, Marks::SENSITIVE);
    }

    #[test]
    fn what_is_not_known_is_not_sent_unless_it_is_wanted() {
        let unknown = Value::unknown(Type::String);
        let mut function = joining();
        let prepared = function.prepare("f", &[Value::string("-"), unknown.clone()]).unwrap();
        assert_eq!(prepared.arguments, None);
        if let Some(words) = &mut function.variadic {
            words.takes_unknown = true;
        }
        let prepared = function.prepare("f", &[Value::string("-"), unknown.clone()]).unwrap();
        assert_eq!(prepared.arguments, Some(vec![Value::string("-"), unknown]));
    }

    #[test]
    fn faults_name_the_parameter() {
        let told = |given: &[Value]| {
            let fault = joining().prepare("provider::x::join", given).unwrap_err();
            (fault.argument, fault.message)
        };
        let list = Value::tuple(vec![]);
        assert_eq!(
            told(&[]),
            (
                None,
                "Function \"provider::x::join\" expects at least 1 argument(s). Missing value for \"separator\"."
                    .into()
            )
        );
        assert_eq!(
            told(&[Value::string("-"), Value::null(Type::String)]),
            (Some(1), "Invalid value for \"words\" parameter: argument must not be null".into())
        );
        assert_eq!(
            told(&[list]),
            (Some(0), "Invalid value for \"separator\" parameter: a string is required".into())
        );
    }
}
