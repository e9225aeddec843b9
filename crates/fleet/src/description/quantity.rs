//! Lengths of time and amounts of memory as a description writes them: `1m30s`, `256Mi`. It rounds nothing: what is not a
//! whole number of milliseconds or bytes is refused.

/// A text is not the quantity that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not a length of time.
    #[error("`{0}` is not a length of time; write one like `500ms`, `30s`, `1m30s` or `2h`")]
    Duration(String),
    /// Not an amount of memory.
    #[error("`{0}` is not an amount of memory; write one like `256Mi`, `1Gi` or `500M`")]
    Size(String),
}

/// Milliseconds of a length of time.
///
/// # Errors
/// If it is not one, or more than a `u64` holds.
pub(crate) fn milliseconds(text: &str) -> Result<u64, QuantityError> {
    let fault = || QuantityError::Duration(text.to_owned());
    let mut rest = text.trim();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(fault)?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let factor = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(fault()),
        };
        let part = number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).ok_or_else(fault)?;
        total = total.checked_add(part).ok_or_else(fault)?;
        rest = after;
    }
    if text.trim().is_empty() { Err(fault()) } else { Ok(total) }
}

/// Bytes of an amount of memory. `K`, `M`, `G` count in thousands, `Ki`, `Mi`, `Gi` in 1024s, as in Kubernetes.
///
/// # Errors
/// If it is not one, or more than a `u64` holds.
pub(crate) fn bytes(text: &str) -> Result<u64, QuantityError> {
    let fault = || QuantityError::Size(text.to_owned());
    let text_ = text.trim();
    let digits = text_.find(|c: char| !c.is_ascii_digit()).unwrap_or(text_.len());
    let (number, unit) = text_.split_at(digits);
    let factor: u64 = match unit {
        "" | "B" => 1,
        "k" | "K" | "KB" => 1_000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        "Ki" | "KiB" => 1 << 10,
        "Mi" | "MiB" => 1 << 20,
        "Gi" | "GiB" => 1 << 30,
        _ => return Err(fault()),
    };
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).ok_or_else(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_exactly_or_refused() {
        let times = [("500ms", 500), ("30s", 30_000), ("1m30s", 90_000), ("2h", 7_200_000), ("0s", 0)];
        for (text, ms) in times {
            assert_eq!(milliseconds(text), Ok(ms), "{text}");
        }
        for (text, size) in [("256Mi", 256 << 20), ("1Gi", 1 << 30), ("500M", 500_000_000), ("12", 12)] {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
        for bad in ["", "30", "s", "-1s", "1.5s", "1x", "99999999999999999999s", "9999999999999999d"] {
            assert!(milliseconds(bad).is_err(), "{bad}");
        }
        for bad in ["", "Mi", "1.5Gi", "-1", "1Zi", "99999999999Gi"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
