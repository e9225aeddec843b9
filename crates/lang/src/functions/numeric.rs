//! Functions of numbers. Exact, but for `log` and `pow`, which go through a 64-bit float as Terraform's do.

use value::{Kind, Number, Type, Value};

use super::arguments::{Arguments, Failure, integer};
use super::float;
use super::signature::{Function, Parameter, Shape};

/// The longest list that `range` makes: a slip of a digit should be an error, not a plan that fills the memory.
const RANGE_MAX: usize = 1024;

const NUM: Parameter = Parameter::new("num", Shape::Number);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "abs",
        &[NUM],
        Shape::Number,
        |a| Ok(Value::number(a.number(0).abs())),
        "The distance of a number from zero.",
    ),
    Function::new(
        "ceil",
        &[NUM],
        Shape::Number,
        |a| Ok(Value::number(a.number(0).ceil())),
        "The least whole number that is not below a number.",
    ),
    Function::new(
        "floor",
        &[NUM],
        Shape::Number,
        |a| Ok(Value::number(a.number(0).floor())),
        "The greatest whole number that is not above a number.",
    ),
    Function::new(
        "signum",
        &[NUM],
        Shape::Number,
        signum,
        "-1, 0 or 1, as a whole number is below, at or above zero.",
    ),
    Function::new(
        "log",
        &[NUM, Parameter::new("base", Shape::Number)],
        Shape::Number,
        log,
        "The logarithm of a number in a base.",
    ),
    Function::new(
        "pow",
        &[NUM, Parameter::new("power", Shape::Number)],
        Shape::Number,
        pow,
        "A number raised to a power.",
    ),
    Function::new(
        "max",
        &[],
        Shape::Number,
        |a| extreme(a, |best, n| n > best),
        "The greatest of the numbers.",
    )
    .rest(Parameter::new("numbers", Shape::Number)),
    Function::new("min", &[], Shape::Number, |a| extreme(a, |best, n| n < best), "The least of the numbers.")
        .rest(Parameter::new("numbers", Shape::Number)),
    Function::new(
        "parseint",
        &[Parameter::new("number", Shape::Any), Parameter::new("base", Shape::Number)],
        Shape::Number,
        parse_int,
        "The whole number that a text says in a base from 2 to 62.",
    ),
    Function::new(
        "sum",
        &[Parameter::new("list", Shape::Any)],
        Shape::Number,
        sum,
        "The sum of a list or set of numbers.",
    ),
    Function::new(
        "range",
        &[],
        Shape::ListOfNumber,
        range,
        "Numbers from a start, in steps, to below a limit.",
    )
    .rest(Parameter::new("params", Shape::Number)),
];

fn signum(a: &Arguments<'_>) -> Result<Value, Failure> {
    let n = integer(&a.number(0)).map_err(Failure::call)?;
    Ok(Value::number(n.signum()))
}

fn finite(float: f64, what: &str) -> Result<Value, Failure> {
    Number::from_f64(float)
        .map(Value::number)
        .ok_or_else(|| Failure::call(format!("{what} is not a finite number")))
}

fn log(a: &Arguments<'_>) -> Result<Value, Failure> {
    finite(float::ln(a.number(0).to_f64()) / float::ln(a.number(1).to_f64()), "the logarithm")
}

fn pow(a: &Arguments<'_>) -> Result<Value, Failure> {
    finite(float::pow(a.number(0).to_f64(), a.number(1).to_f64()), "the power")
}

fn extreme(a: &Arguments<'_>, better: fn(&Number, &Number) -> bool) -> Result<Value, Failure> {
    let mut best: Option<&Number> = None;
    for number in a.values.iter().filter_map(Value::as_number) {
        if best.is_none_or(|best| better(best, number)) {
            best = Some(number);
        }
    }
    best.cloned().map(Value::number).ok_or_else(|| Failure::call("must pass at least one number"))
}

fn parse_int(a: &Arguments<'_>) -> Result<Value, Failure> {
    let Kind::String(text) = a.value(0).kind() else {
        let message = format!("first argument must be a string, not {}", a.value(0).ty().kind_name());
        return Err(Failure::at(0, message));
    };
    let base = a.integer(1)?;
    let Some(base) = u32::try_from(base).ok().filter(|base| (2..=62).contains(base)) else {
        return Err(Failure::at(1, "base must be a whole number between 2 and 62 inclusive"));
    };
    let digits = text.strip_prefix('+').unwrap_or(text);
    let plain = digits.strip_prefix('-').unwrap_or(digits).chars().all(|c| c.is_ascii_alphanumeric());
    let signed_twice = text.starts_with("+-");
    Number::from_radix(digits, base).filter(|_| plain && !signed_twice).map(Value::number).ok_or_else(|| {
        Failure::showing(Some(0), |show| {
            format!("cannot parse {} as a base {base} integer", show(format!("{text:?}")))
        })
    })
}

fn sum(a: &Arguments<'_>) -> Result<Value, Failure> {
    let list = a.value(0);
    let Some(elements) = list.as_slice() else {
        return Err(Failure::at(
            0,
            match list.ty() {
                Type::Object(_) | Type::Map(_) => {
                    format!("argument must be list, set, or tuple. Received {}", list.ty().kind_name())
                }
                _ => "cannot sum noniterable".to_owned(),
            },
        ));
    };
    let mut total: Option<Number> = None;
    for element in elements {
        let number = value::convert(element, &Type::Number).ok();
        let Some(number) = number.as_ref().and_then(Value::as_number) else {
            return Err(Failure::at(0, "argument must be list, set, or tuple of number values"));
        };
        total = Some(total.map_or_else(|| number.clone(), |total| total.add(number)));
    }
    total.map(Value::number).ok_or_else(|| Failure::at(0, "cannot sum an empty list"))
}

fn range(a: &Arguments<'_>) -> Result<Value, Failure> {
    let zero = Number::from(0i64);
    let (start, end, step) = match a.values.len() {
        1 => (zero.clone(), a.number(0), None),
        2 => (a.number(0), a.number(1), None),
        3 => (a.number(0), a.number(1), Some(a.number(2))),
        _ => return Err(Failure::call("must have one, two, or three arguments")),
    };
    let step = step.unwrap_or_else(|| Number::from(if end < start { -1i64 } else { 1 }));
    let down = step.is_negative();
    if down && end > start {
        return Err(Failure::at(1, "end must be less than start when step is negative"));
    }
    if !down && end < start {
        return Err(Failure::at(1, "end must be greater than start when step is positive"));
    }
    let (mut numbers, mut next) = (Vec::new(), start);
    while if down { next > end } else { next < end } {
        if numbers.len() == RANGE_MAX {
            return Err(Failure::call(format!(
                "more than {RANGE_MAX} values were generated; either decrease the difference between start and end or use \
                 a smaller step"
            )));
        }
        let following = next.add(&step);
        numbers.push(Value::number(next));
        next = following;
    }
    Ok(Value::list(Type::Number, numbers))
}
