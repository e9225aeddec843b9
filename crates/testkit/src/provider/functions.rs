//! Functions: with a variadic parameter, with one of any type, and with a fault that names an argument.

use plugin::wire::calls::{CallFunctionRequest, CallFunctionResponse};
use plugin::wire::messages::{Function, Parameter, Return, Selector};
use value::{Type, Value, type_to_json};

use super::Provider;
use super::calls::Outcome;
use super::fault::Fault;
use super::schema::{sent, value};

fn parameter(name: &str, ty: &Type) -> Parameter {
    Parameter {
        name: name.into(),
        r#type: type_to_json(ty).to_string().into_bytes(),
        description: format!("The {name}."),
        ..Parameter::default()
    }
}

fn function(summary: &str, parameters: Vec<Parameter>, result: &Type) -> Function {
    Function {
        parameters,
        r#return: Some(Return { r#type: type_to_json(result).to_string().into_bytes() }),
        summary: summary.into(),
        description: format!("{summary}."),
        ..Function::default()
    }
}

/// Every function by name.
pub(super) fn all() -> Vec<(&'static str, Function)> {
    let any = Parameter {
        allow_null_value: true,
        allow_unknown_values: true,
        ..parameter("anything", &Type::Dynamic)
    };
    let mut join = function("Joins words", vec![parameter("separator", &Type::String)], &Type::String);
    join.variadic_parameter = Some(parameter("words", &Type::String));
    let numbers = vec![parameter("dividend", &Type::Number), parameter("divisor", &Type::Number)];
    vec![
        ("join_words", join),
        ("echo", function("Answers what it is given", vec![any], &Type::Dynamic)),
        ("quotient", function("Divides without a remainder", numbers, &Type::Number)),
    ]
}

/// The type of a function's result.
pub(super) fn result(name: &str) -> Type {
    match name {
        "join_words" => Type::String,
        "quotient" => Type::Number,
        _ => Type::Dynamic,
    }
}

pub(super) fn call(_: &Provider, asked: CallFunctionRequest) -> Outcome<CallFunctionResponse> {
    let arguments = |ty: Type| -> Outcome<Vec<Value>> {
        asked.arguments.iter().map(|argument| value(Some(argument), &ty)).collect()
    };
    let of = result(&asked.name);
    let result = match asked.name.as_str() {
        "join_words" => join_words(&arguments(Type::String)?)?,
        "echo" => arguments(Type::Dynamic)?.into_iter().next().unwrap_or_else(|| Value::null(Type::Dynamic)),
        "quotient" => quotient(&arguments(Type::Number)?)?,
        other => return Err(Fault::new("Unknown function", format!("there is no {other}"))),
    };
    Ok(CallFunctionResponse { result: sent(&result, &of), error: None })
}

fn join_words(arguments: &[Value]) -> Outcome<Value> {
    let Some((separator, words)) = arguments.split_first() else {
        return Err(Fault::new("Too few arguments", "there is no separator"));
    };
    for (at, word) in words.iter().enumerate() {
        if word.as_str() == Some("") {
            let at = i64::try_from(at + 1).unwrap_or(i64::MAX);
            return Err(
                Fault::new("Empty word", "a word has a letter at least").at([Selector::ElementKeyInt(at)])
            );
        }
    }
    let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
    Ok(Value::string(words.join(separator.as_str().unwrap_or_default())))
}

fn quotient(arguments: &[Value]) -> Outcome<Value> {
    let number = |at: usize| arguments.get(at).and_then(Value::as_number).and_then(|it| it.to_i64());
    let (Some(dividend), Some(divisor)) = (number(0), number(1)) else {
        return Err(Fault::new("Not whole", "both numbers have to be whole"));
    };
    if divisor == 0 {
        return Err(Fault::new("Zero", "nothing can be divided by 0").at([Selector::ElementKeyInt(1)]));
    }
    Ok(Value::number(dividend / divisor))
}
