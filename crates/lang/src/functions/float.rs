//! Logarithm and power of 64-bit floats, by algorithms that give the same bits on every machine.
//!
//! The system's library may differ from Terraform's in the last digit, and then a plan made on one machine would differ from that
//! of another.

#![expect(clippy::float_cmp, reason = "the special cases are exact values")]
#![expect(
    clippy::excessive_precision,
    reason = "the constants are given with the digits that they are published with"
)]

/// The natural logarithm, by the method of FreeBSD's `e_log.c`: argument reduction to [√½, √2) and a minimax polynomial.
pub(super) fn ln(x: f64) -> f64 {
    const LN2_HI: f64 = 6.931_471_803_691_238_164_90e-1;
    const LN2_LO: f64 = 1.908_214_929_270_587_700_02e-10;
    const L: [f64; 7] = [
        6.666_666_666_666_735_13e-1,
        3.999_999_999_940_941_908e-1,
        2.857_142_874_366_239_149e-1,
        2.222_219_843_214_978_396e-1,
        1.818_357_216_161_805_012e-1,
        1.531_383_769_920_937_332e-1,
        1.479_819_860_511_658_591e-1,
    ];
    if !x.is_finite() || x <= 0.0 {
        return x.ln();
    }
    let (mut f, mut k) = split(x);
    if f < std::f64::consts::FRAC_1_SQRT_2 {
        f *= 2.0;
        k -= 1;
    }
    let f = f - 1.0;
    let k = f64::from(k);
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let t1 = s2 * (L[0] + s4 * (L[2] + s4 * (L[4] + s4 * L[6])));
    let t2 = s4 * (L[1] + s4 * (L[3] + s4 * L[5]));
    let r = t1 + t2;
    let half_square = 0.5 * f * f;
    k * LN2_HI - ((half_square - (s * (half_square + r) + k * LN2_LO)) - f)
}

/// `x` as a fraction in [½, 1) and a power of two.
fn split(x: f64) -> (f64, i32) {
    const MANTISSA: u64 = (1 << 52) - 1;
    let (x, shift) = if x.abs() < f64::MIN_POSITIVE { (x * (1u64 << 52) as f64, -52) } else { (x, 0) };
    let bits = x.to_bits();
    let exponent = i32::try_from(bits >> 52 & 0x7ff).unwrap_or_default() - 1022;
    (f64::from_bits(bits & (1 << 63 | MANTISSA) | 1022 << 52), exponent + shift)
}

/// `x` raised to `y`: repeated squaring for the whole part of `y`, and the exponential for what is left of it.
pub(super) fn pow(x: f64, y: f64) -> f64 {
    if y == 0.0 || x == 1.0 {
        return 1.0;
    }
    if y == 0.5 {
        return x.sqrt();
    }
    if y == -0.5 {
        return 1.0 / x.sqrt();
    }
    // Infinities, zeroes, and powers that leave what a float holds are the same by every method.
    let (whole, part) = (y.abs().trunc(), y.abs().fract());
    if x == 0.0
        || !x.is_finite()
        || !y.is_finite()
        || (part != 0.0 && x < 0.0)
        || whole >= 9.223_372_036_854_775_8e18
    {
        return x.powf(y);
    }
    let (whole, part) = if part > 0.5 { (whole + 1.0, part - 1.0) } else { (whole, part) };
    let mut result = if part == 0.0 { 1.0 } else { (part * ln(x)).exp() };
    let (mut base, power) = split(x);
    let (mut exponent, mut step) = (0i64, i64::from(power));
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it was compared with the greatest whole number above"
    )]
    let mut left = whole as i64;
    while left != 0 {
        if !(-1 << 12..=1 << 12).contains(&step) {
            // Far beyond the exponents of a float.
            exponent += step;
            break;
        }
        if left & 1 == 1 {
            result *= base;
            exponent += step;
        }
        base *= base;
        step <<= 1;
        if base < 0.5 {
            base += base;
            step -= 1;
        }
        left >>= 1;
    }
    if y < 0.0 {
        result = 1.0 / result;
        exponent = -exponent;
    }
    scale(result, exponent)
}

/// `x` times two to a power.
fn scale(mut x: f64, exponent: i64) -> f64 {
    let mut left = i32::try_from(exponent.clamp(-5000, 5000)).unwrap_or_default();
    // In steps, because two to the whole power may not be a float where the product is one.
    while left != 0 {
        let step = left.clamp(-1000, 1000);
        x *= 2f64.powi(step);
        left -= step;
    }
    x
}
