//! Exact decimal numbers.
//!
//! Whole numbers that fit 64 bits are kept as such, since nearly all are; everything else is an arbitrary-precision decimal.
//! The split is canonical, so that equal numbers have one form. Sums and products are exact up to 150 digits.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, RoundingMode, Signed, ToPrimitive, Zero};

/// Digits kept by a division that does not end: what 512 bits of mantissa hold, the precision of Terraform's numbers.
const DIVISION_DIGITS: u64 = 154;

/// Digits kept by sums and products: four fewer than a quotient has, so that the error in its last digit does not show.
const SETTLED_DIGITS: u64 = DIVISION_DIGITS - 4;

/// The largest power of ten that a number may be written with; beyond it a short text would fill the memory.
const EXPONENT_MAX: i64 = 10_000;

/// The most digits of a number that is read.
const DIGITS_MAX: usize = 20_000;

/// An exact decimal number.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Small(i64),
    /// Normalised, and never a whole number that fits `Small`.
    Big(Arc<BigDecimal>),
}

/// The text is not a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a number")]
pub struct ParseNumberError(String);

impl Number {
    /// From a decimal, in canonical form.
    #[must_use]
    pub fn from_decimal(decimal: &BigDecimal) -> Self {
        let decimal = decimal.normalized();
        if decimal.fractional_digit_count() <= 0
            && decimal.fractional_digit_count() >= -19
            && let Some(small) = decimal.to_i64()
        {
            return Self(Repr::Small(small));
        }
        Self(Repr::Big(Arc::new(decimal)))
    }

    /// The number as a decimal.
    #[must_use]
    pub fn to_decimal(&self) -> BigDecimal {
        match &self.0 {
            Repr::Small(n) => BigDecimal::from(*n),
            Repr::Big(d) => d.as_ref().clone(),
        }
    }

    /// The exact decimal of a finite float's shortest text; `None` for NaN and infinities.
    #[must_use]
    pub fn from_f64(float: f64) -> Option<Self> {
        if !float.is_finite() {
            return None;
        }
        // The shortest text that reads back as the same float is what a person means by it: 0.1 is a tenth.
        format!("{float:?}").parse().ok()
    }

    /// The nearest float.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
            Repr::Small(n) => *n as f64,
            Repr::Big(d) => d.to_f64().unwrap_or(f64::NAN),
        }
    }

    /// The number as a whole 64-bit number, if it is one.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Small(n) => Some(n),
            Repr::Big(_) => None,
        }
    }

    /// The number as an index or count, if it is one.
    #[must_use]
    pub fn to_usize(&self) -> Option<usize> {
        self.to_i64().and_then(|n| usize::try_from(n).ok())
    }

    /// Whether it has no fraction.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Small(_) => true,
            Repr::Big(d) => d.is_integer(),
        }
    }

    /// The whole number nearest below (`floor`).
    #[must_use]
    pub fn floor(&self) -> Self {
        self.round_with(RoundingMode::Floor)
    }

    /// The whole number nearest above (`ceil`).
    #[must_use]
    pub fn ceil(&self) -> Self {
        self.round_with(RoundingMode::Ceiling)
    }

    fn round_with(&self, mode: RoundingMode) -> Self {
        match &self.0 {
            Repr::Small(_) => self.clone(),
            Repr::Big(d) => Self::from_decimal(&d.with_scale_round(0, mode)),
        }
    }

    /// Its distance from zero.
    #[must_use]
    pub fn abs(&self) -> Self {
        if self.is_negative() { self.negate() } else { self.clone() }
    }

    /// Whether it is less than zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Repr::Small(n) => *n < 0,
            Repr::Big(d) => d.is_negative(),
        }
    }

    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == Repr::Small(0)
    }

    /// Its negation.
    #[must_use]
    pub fn negate(&self) -> Self {
        match &self.0 {
            Repr::Small(n) => {
                n.checked_neg().map_or_else(|| Self::from_decimal(&-self.to_decimal()), Self::from)
            }
            Repr::Big(d) => Self::from_decimal(&-d.as_ref()),
        }
    }

    /// A sum or product without the digits in which quotients are not exact: a third three times is one.
    fn settled(decimal: &BigDecimal) -> Self {
        match std::num::NonZeroU64::new(SETTLED_DIGITS) {
            Some(digits) if decimal.digits() > SETTLED_DIGITS => {
                Self::from_decimal(&decimal.with_precision_round(digits, RoundingMode::HalfEven))
            }
            _ => Self::from_decimal(decimal),
        }
    }

    /// Sum.
    #[must_use]
    pub fn add(&self, other: &Self) -> Self {
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0)
            && let Some(sum) = a.checked_add(*b)
        {
            return Self(Repr::Small(sum));
        }
        Self::settled(&(self.to_decimal() + other.to_decimal()))
    }

    /// Difference.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        self.add(&other.negate())
    }

    /// Product.
    #[must_use]
    pub fn multiply(&self, other: &Self) -> Self {
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0)
            && let Some(product) = a.checked_mul(*b)
        {
            return Self(Repr::Small(product));
        }
        Self::settled(&(self.to_decimal() * other.to_decimal()))
    }

    /// Quotient; `None` when dividing by zero. One that does not end keeps 154 digits.
    #[must_use]
    pub fn divide(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0)
            && let (Some(remainder), Some(quotient)) = (a.checked_rem(*b), a.checked_div(*b))
            && remainder == 0
        {
            return Some(Self(Repr::Small(quotient)));
        }
        let (dividend, divisor) = (self.to_decimal(), other.to_decimal());
        let precision = std::num::NonZeroU64::new(DIVISION_DIGITS)?;
        // The division of whole numbers, with zeroes added to the dividend until the quotient has two digits more than are kept;
        // a last digit that is not zero stands for all that would follow, so that a half is told from a little more than it.
        let zeroes = (DIVISION_DIGITS + 2 + divisor.digits()).saturating_sub(dividend.digits());
        let ((top, top_scale), (bottom, bottom_scale)) =
            (dividend.into_bigint_and_exponent(), divisor.into_bigint_and_exponent());
        let shifted = top * BigInt::from(10u8).pow(u32::try_from(zeroes).ok()?);
        let (quotient, remainder) = (&shifted / &bottom, &shifted % &bottom);
        let sticky = match (remainder.is_zero(), shifted.is_negative() == bottom.is_negative()) {
            (true, _) => BigInt::zero(),
            (false, true) => BigInt::from(1u8),
            (false, false) => BigInt::from(-1i8),
        };
        let scale = top_scale - bottom_scale + i64::try_from(zeroes).ok()? + 1;
        let quotient = BigDecimal::new(quotient * 10u8 + sticky, scale);
        Some(Self::from_decimal(&quotient.with_precision_round(precision, RoundingMode::HalfEven)))
    }

    /// Remainder with the dividend's sign; `None` when dividing by zero.
    #[must_use]
    pub fn modulo(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0)
            && let Some(remainder) = a.checked_rem(*b)
        {
            return Some(Self(Repr::Small(remainder)));
        }
        Some(Self::from_decimal(&(self.to_decimal() % other.to_decimal())))
    }

    /// From the digits of a whole number in a base from 2 to 62; `None` where a digit is not one.
    #[must_use]
    pub fn from_radix(digits: &str, base: u32) -> Option<Self> {
        // Reading a number takes time with the square of its length.
        if digits.len() > DIGITS_MAX {
            return None;
        }
        if base <= 36 {
            let whole = BigInt::parse_bytes(digits.as_bytes(), base)?;
            return Some(Self::from_decimal(&BigDecimal::from(whole)));
        }
        let (negative, digits) = digits.strip_prefix('-').map_or((false, digits), |rest| (true, rest));
        if digits.is_empty() {
            return None;
        }
        let mut whole = BigInt::zero();
        for c in digits.chars() {
            let digit = match c {
                '0'..='9' => u32::from(c) - u32::from('0'),
                'a'..='z' => u32::from(c) - u32::from('a') + 10,
                'A'..='Z' => u32::from(c) - u32::from('A') + 36,
                _ => return None,
            };
            if digit >= base {
                return None;
            }
            whole = whole * base + digit;
        }
        let whole = if negative { -whole } else { whole };
        Some(Self::from_decimal(&BigDecimal::from(whole)))
    }
}

impl From<i64> for Number {
    fn from(n: i64) -> Self {
        Self(Repr::Small(n))
    }
}

impl From<i32> for Number {
    fn from(n: i32) -> Self {
        Self::from(i64::from(n))
    }
}

impl From<u64> for Number {
    fn from(n: u64) -> Self {
        i64::try_from(n).map_or_else(|_| Self::from_decimal(&BigDecimal::from(n)), Self::from)
    }
}

impl From<usize> for Number {
    fn from(n: usize) -> Self {
        Self::from(n as u64)
    }
}

impl FromStr for Number {
    type Err = ParseNumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = || ParseNumberError(text.chars().take(40).collect());
        if text.len() > 2 * DIGITS_MAX {
            return Err(fault());
        }
        // `i64` accepts a leading `+`, which a number in a configuration may not have.
        if !text.starts_with(|c: char| c == '-' || c == '.' || c.is_ascii_digit()) {
            return Err(fault());
        }
        if let Ok(small) = text.parse::<i64>() {
            return Ok(Self(Repr::Small(small)));
        }
        if text.bytes().any(|b| !(b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))) {
            return Err(fault());
        }
        let decimal = BigDecimal::from_str(text).map_err(|_| fault())?;
        if decimal.fractional_digit_count().abs() > EXPONENT_MAX {
            return Err(fault());
        }
        Ok(Self::from_decimal(&decimal))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Small(a), Repr::Small(b)) => a.cmp(b),
            _ => self.to_decimal().cmp(&other.to_decimal()),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Small(n) => write!(f, "{n}"),
            Repr::Big(d) => f.write_str(&d.to_plain_string()),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn a_quotient_that_does_not_end_keeps_its_digits() {
        let third = number("1").divide(&number("3")).unwrap();
        assert_eq!(third.to_string(), format!("0.{}", "3".repeat(154)));
        let two_thirds = number("-2").divide(&number("3")).unwrap();
        assert_eq!(two_thirds.to_string(), format!("-0.{}7", "6".repeat(153)));
        assert_eq!(number("1").divide(&number("8")).unwrap().to_string(), "0.125");
        assert_eq!(number("1e300").divide(&number("0.25")).unwrap(), number("4e300"));
    }

    #[test]
    fn a_third_three_times_is_one() {
        let third = number("1").divide(&number("3")).unwrap();
        assert_eq!(third.multiply(&number("3")), number("1"));
        assert_eq!(third.add(&third).add(&third), number("1"));
        assert_eq!(number("10").divide(&number("7")).unwrap().multiply(&number("7")), number("10"));
    }
}
