//! The functions of the language: one table, by theme.
//!
//! [`call`] converts the arguments to the signature, sees to nulls, unknowns and marks, and hands plain values to the function. A
//! function decides and does no I/O but through [`FunctionContext`]; `uuid` and `bcrypt` draw from the system, and only where it lets
//! them, and `timestamp` and `plantimestamp` are handed the time. `try` and `can` are not here: they are the evaluator's, because
//! their arguments may fail. Functions of providers are the scope's.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::SystemTime;

use value::Value;

use crate::ProjectFiles;

mod arguments;
mod clock;
mod collection;
mod conversion;
mod csv;
mod date_format;
mod digits;
mod encoding;
mod files;
mod float;
mod format;
mod glob;
mod hash;
mod json;
mod list;
mod map;
mod metadata;
mod network;
mod numeric;
mod pattern;
mod random;
mod re2;
mod rsa;
mod signature;
mod string;
mod time;
mod yaml_read;
mod yaml_write;

pub use metadata::metadata;
pub use signature::{Parameter, Shape, Signature};

use signature::Function;

/// What functions may use beyond their arguments.
pub struct FunctionContext<'a> {
    /// The files of the project, for `file`, `fileset` and their kin.
    pub files: &'a dyn ProjectFiles,
    /// Renders a template: a name for messages, its text, and an object or map of variables, to a value or a reason why not.
    pub template: &'a dyn Fn(&str, &str, &Value) -> Result<Value, String>,
    /// Whether random numbers may be drawn; if not, results that hang on them are unknown.
    pub may_draw: bool,
    /// The time of `timestamp`; none where it is not known yet.
    pub now: Option<SystemTime>,
    /// The time of `plantimestamp`; none where it is not known yet.
    pub plan_time: Option<SystemTime>,
}

/// A call that has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FunctionError {
    /// Which argument is at fault, from zero; `None` where it is the call as a whole.
    pub argument: Option<usize>,
    /// Why, as a phrase that begins in lower case: `a number is required`. One that begins in upper case is a
    /// whole sentence about the call.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl FunctionError {
    /// Without a hint.
    pub fn new(argument: Option<usize>, message: impl Into<String>) -> Self {
        Self { argument, message: message.into(), hint: None }
    }
}

/// What the function of that name makes of the arguments.
///
/// # Errors
/// If there is no such function, or the arguments are too many, too few, or not what the function takes.
pub fn call(name: &str, args: &[Value], context: &FunctionContext<'_>) -> Result<Value, FunctionError> {
    let Some(function) = find(name) else {
        return Err(unknown_function(name));
    };
    arguments::call(function, args, context)
}

/// The names of all functions, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<&'static str> = BY_NAME.keys().copied().collect();
    names.sort_unstable();
    names.into_iter()
}

/// What the function of that name takes and returns; `None` if there is none.
#[must_use]
pub fn signature(name: &str) -> Option<&'static Signature> {
    find(name).map(|function| &function.signature)
}

/// Whether the function of that name draws random numbers or reads the clock, so that it has a value only at an apply.
#[must_use]
pub fn is_random(name: &str) -> bool {
    find(name).is_some_and(|function| function.is_random)
}

fn find(name: &str) -> Option<&'static Function> {
    // `core::abs` is the long name of `abs`, for where a provider has a function of the same name.
    BY_NAME.get(name.strip_prefix("core::").unwrap_or(name)).copied()
}

fn unknown_function(name: &str) -> FunctionError {
    let message = format!("there is no function named {name:?}");
    let hint =
        diag::closest(name, BY_NAME.keys().copied()).map(|closest| format!("did you mean {closest:?}?"));
    FunctionError { argument: None, message, hint }
}

static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> =
    LazyLock::new(|| TABLES.iter().flat_map(|table| table.iter()).map(|f| (f.signature.name, f)).collect());

static TABLES: &[&[Function]] = &[
    clock::FUNCTIONS,
    collection::FUNCTIONS,
    conversion::FUNCTIONS,
    csv::FUNCTIONS,
    encoding::FUNCTIONS,
    files::FUNCTIONS,
    format::FUNCTIONS,
    hash::FUNCTIONS,
    json::FUNCTIONS,
    list::FUNCTIONS,
    map::FUNCTIONS,
    network::FUNCTIONS,
    numeric::FUNCTIONS,
    pattern::FUNCTIONS,
    random::FUNCTIONS,
    string::FUNCTIONS,
    time::FUNCTIONS,
    yaml_read::FUNCTIONS,
    yaml_write::FUNCTIONS,
];
