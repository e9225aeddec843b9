//! What the script has the provider do otherwise: crashes and wrong answers.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use plugin::wire::messages::DynamicValue;
use plugin::{decode, encode};
use tonic::{Code, Status};
use value::{Attribute, Type, Value, from_json_typed, to_json};

use super::fault::Fault;
use super::messages::Answered;
use super::script::{Answer, Crash};

/// Ends this process.
pub(super) fn crash(how: &Crash) -> ! {
    match how {
        Crash::Exit(code) => std::process::exit(*code),
        Crash::Abort => std::process::abort(),
        Crash::Kill => {
            let _ = kill(Pid::this(), Signal::SIGKILL);
            std::process::abort()
        }
        Crash::Panic(text) => {
            eprintln!(
                "panic: {text}\n\ngoroutine 1 [running]:\nmain.(*provider).act(...)\n\t/src/provider.go:42"
            );
            std::process::exit(2)
        }
    }
}

/// Makes an answer another one. `ty` is that of its value.
pub(super) fn spoil(answer: &mut impl Answered, how: &Answer, ty: Type) -> Result<(), Status> {
    match how {
        Answer::Status(code, text) => return Err(Status::new(Code::from_i32(*code), text.clone())),
        Answer::Long(bytes) => answer.say(Fault::warning("A long story", "x".repeat(*bytes))),
        _ => {}
    }
    let Some(place) = answer.value() else { return Ok(()) };
    let Some(bytes) = place.as_ref().map(|value| value.msgpack.clone()) else { return Ok(()) };
    let value = || decode(&bytes, &ty).map_err(|error| Status::internal(error.to_string()));
    *place = match how {
        Answer::Status(..) | Answer::Long(_) | Answer::TooLong => return Ok(()),
        Answer::Null => DynamicValue::of_msgpack(encode(&Value::null(ty.clone()), &ty)),
        Answer::Garbage => DynamicValue::of_msgpack(vec![0xc1, 0xff]),
        Answer::Cut => DynamicValue::of_msgpack(bytes.get(..bytes.len() / 2).unwrap_or_default().to_vec()),
        Answer::AsJson => {
            let json = to_json(&value()?).ok_or_else(|| Status::internal("it is not wholly known"))?;
            Some(DynamicValue { msgpack: Vec::new(), json: json.to_string().into_bytes() })
        }
        Answer::Unknown(name) => {
            let ty_of = attribute(&ty, name)?;
            with(&value()?, &ty, name, Some((ty_of.clone(), Value::unknown(ty_of))))
        }
        Answer::Other(name, json) => {
            let ty_of = attribute(&ty, name)?;
            let other = from_json_typed(json, &ty_of).map_err(|error| Status::internal(error.to_string()))?;
            with(&value()?, &ty, name, Some((ty_of, other)))
        }
        Answer::WrongType(name) | Answer::Extra(name) => {
            let list = Value::list(Type::String, vec![Value::string("wrong")]);
            with(&value()?, &ty, name, Some((list.ty(), list)))
        }
        Answer::Missing(name) => with(&value()?, &ty, name, None),
    };
    Ok(())
}

fn attribute(ty: &Type, name: &str) -> Result<Type, Status> {
    match ty {
        Type::Object(object) => object.attributes.get(name).map(|attribute| attribute.ty.clone()),
        _ => None,
    }
    .ok_or_else(|| Status::internal(format!("the script speaks of `{name}`, which is not there")))
}

/// The object with something else in one place, whatever its type says of that.
fn with(value: &Value, ty: &Type, name: &str, other: Option<(Type, Value)>) -> Option<DynamicValue> {
    let Type::Object(object) = ty else { return DynamicValue::of_msgpack(encode(value, ty)) };
    let mut object = object.as_ref().clone();
    let mut entries = value.as_entries().cloned().unwrap_or_default();
    match other {
        Some((ty, value)) => {
            object.attributes.insert(name.into(), Attribute::required(ty));
            entries.insert(name.into(), value);
        }
        None => {
            object.attributes.remove(name);
            entries.remove(name);
        }
    }
    DynamicValue::of_msgpack(encode(&Value::object(entries), &Type::Object(object.into())))
}
