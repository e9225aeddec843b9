//! `timestamp` and `plantimestamp`. They read no clock: the context hands them the time, and where it has none yet the result is
//! unknown.

use std::time::{SystemTime, UNIX_EPOCH};

use value::{Refinements, Type, Value};

use super::arguments::{Arguments, Failure};
use super::signature::{Function, Shape};
use super::time::Timestamp;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "timestamp",
        &[],
        Shape::String,
        |a| text(a, a.context.now),
        "The time at which it is evaluated, in UTC, by RFC 3339; known only at an apply.",
    )
    .random(),
    Function::new(
        "plantimestamp",
        &[],
        Shape::String,
        |a| text(a, a.context.plan_time),
        "The time of the plan, in UTC, by RFC 3339; the same wherever it is asked in one run.",
    ),
];

fn text(_: &Arguments<'_>, time: Option<SystemTime>) -> Result<Value, Failure> {
    let Some(time) = time else {
        let refinements = Refinements { not_null: true, ..Refinements::default() };
        return Ok(Value::refined(Type::String, refinements));
    };
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        // A part of a second before 1970 is in the second that began before it.
        Err(before) => {
            let before = before.duration();
            let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            -seconds - i64::from(before.subsec_nanos() > 0)
        }
    };
    Ok(Value::string(Timestamp::at(seconds).text()))
}
