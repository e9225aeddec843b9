//! How numbers are written for the verbs of `format`: exact decimals, rounded half to even.

use bigdecimal::{BigDecimal, RoundingMode};
use value::Number;

/// Flags and precision of a verb.
#[derive(Debug, Default)]
pub(super) struct Style {
    pub(super) plus: bool,
    pub(super) left: bool,
    pub(super) sharp: bool,
    pub(super) zero: bool,
    pub(super) space: bool,
    pub(super) precision: Option<usize>,
}

/// A whole number in base 2, 8, 10 or 16; `None` if the number has a fraction.
pub(super) fn integer(number: &Number, verb: char, style: &Style, width: usize) -> Option<String> {
    if !number.is_integer() {
        return None;
    }
    let (whole, _) = number.abs().to_decimal().with_scale(0).into_bigint_and_exponent();
    let (digits, prefix) = match verb {
        'b' => (whole.to_str_radix(2), "0b"),
        'o' => (whole.to_str_radix(8), "0"),
        'x' => (whole.to_str_radix(16), "0x"),
        'X' => (whole.to_str_radix(16).to_uppercase(), "0X"),
        _ => (whole.to_str_radix(10), ""),
    };
    let missing = style.precision.unwrap_or(0).saturating_sub(digits.len());
    let digits = "0".repeat(missing) + &digits;
    let prefix = if style.sharp { prefix } else { "" };
    let sign = sign(number.is_negative(), style);
    Some(pad(&format!("{sign}{prefix}"), &digits, style, width, style.precision.is_none()))
}

/// A number with a fraction or an exponent, for `e`, `E`, `f`, `g` and `G`.
pub(super) fn float(number: &Number, verb: char, style: &Style, width: usize) -> String {
    let magnitude = number.abs();
    let body = match verb {
        'e' | 'E' => exponent_form(
            &rounded(&magnitude, style.precision.unwrap_or(6) + 1),
            Some(style.precision.unwrap_or(6)),
        ),
        'f' => fixed(&magnitude, style.precision.unwrap_or(6)),
        _ => shortest(&magnitude, style.precision),
    };
    let body = if verb.is_ascii_uppercase() { body.to_uppercase() } else { body };
    pad(sign(number.is_negative(), style), &body, style, width, true)
}

fn sign(negative: bool, style: &Style) -> &'static str {
    match (negative, style) {
        (true, _) => "-",
        (false, Style { plus: true, .. }) => "+",
        (false, Style { space: true, .. }) => " ",
        _ => "",
    }
}

/// To the width: zeroes go between the sign and the digits.
fn pad(sign: &str, body: &str, style: &Style, width: usize, zeroes: bool) -> String {
    let missing = width.saturating_sub(sign.len() + body.len());
    if style.left {
        format!("{sign}{body}{}", " ".repeat(missing))
    } else if style.zero && zeroes {
        format!("{sign}{}{body}", "0".repeat(missing))
    } else {
        format!("{}{sign}{body}", " ".repeat(missing))
    }
}

fn fixed(magnitude: &Number, precision: usize) -> String {
    let scale = i64::try_from(precision).unwrap_or(i64::MAX);
    magnitude.to_decimal().with_scale_round(scale, RoundingMode::HalfEven).to_plain_string()
}

/// Digits without zeroes at the end, and the power of ten of the first one.
struct Scientific {
    digits: String,
    exponent: i64,
}

fn scientific(decimal: &BigDecimal) -> Scientific {
    let (digits, scale) = decimal.normalized().into_bigint_and_exponent();
    let digits = digits.to_string();
    if digits == "0" {
        return Scientific { digits, exponent: 0 };
    }
    let exponent = i64::try_from(digits.len()).unwrap_or(i64::MAX) - 1 - scale;
    Scientific { digits, exponent }
}

fn rounded(magnitude: &Number, digits: usize) -> Scientific {
    let decimal = magnitude.to_decimal();
    let count = std::num::NonZeroU64::new(digits as u64).unwrap_or(std::num::NonZeroU64::MIN);
    scientific(&decimal.with_precision_round(count, RoundingMode::HalfEven))
}

/// `d.ddde±dd`; with a precision, exactly that many digits behind the point.
fn exponent_form(number: &Scientific, precision: Option<usize>) -> String {
    let (first, rest) = number.digits.split_at(1);
    let fraction = match precision {
        Some(precision) => format!("{rest:0<precision$}"),
        None => rest.to_owned(),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if number.exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{fraction}e{sign}{:02}", number.exponent.unsigned_abs())
}

/// `%g`: with an exponent where that is below -4 or not below the precision, and plain otherwise.
fn shortest(magnitude: &Number, precision: Option<usize>) -> String {
    let number = match precision {
        Some(precision) => rounded(magnitude, precision.max(1)),
        None => scientific(&magnitude.to_decimal()),
    };
    let count = i64::try_from(number.digits.len()).unwrap_or(i64::MAX);
    let limit = match precision {
        // Six is Go's limit where no precision is given.
        None => 6,
        Some(precision) => {
            let precision = i64::try_from(precision.max(1)).unwrap_or(i64::MAX);
            if precision > count && count > number.exponent { count } else { precision }
        }
    };
    if number.exponent < -4 || number.exponent >= limit {
        return exponent_form(&number, None);
    }
    let Ok(lead) = usize::try_from(number.exponent) else {
        let zeroes = usize::try_from(-number.exponent - 1).unwrap_or(0);
        return format!("0.{}{}", "0".repeat(zeroes), number.digits);
    };
    let digits = format!("{:0<width$}", number.digits, width = lead + 1);
    let (whole, fraction) = digits.split_at(lead + 1);
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}
