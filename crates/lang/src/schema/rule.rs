//! What a value must be like beyond its type, as data.

use value::{Kind, Number, Value};

/// What a value must be like. Null and unknown values keep every rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Anything of the type.
    Any,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A whole number within these bounds, both included.
    Whole {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A number above zero.
    Positive,
    /// A time such as `30s`, `5m`, `1m30s`, `250ms`.
    Duration,
    /// A size in bytes such as `256Mi`, `1Gi`, `500M`.
    Size,
    /// A path that begins with `/`.
    AbsolutePath,
    /// A path inside the project.
    ProjectPath,
    /// Lower-case letters, digits and `-`, beginning with a letter, at most 40 characters.
    Name,
    /// A host name without port.
    Host,
    /// `host:port`.
    SocketAddress,
    /// A number, or a share of the replicas such as `25%`.
    CountOrShare,
    /// A signal such as `SIGTERM`.
    Signal,
    /// File permissions in octal, such as `0755`.
    Mode,
    /// `uid` or `uid:gid`.
    Owner,
    /// A list that is not empty, of texts that are not empty.
    Command,
    /// Names of environment variables.
    EnvironmentNames,
}

const SIGNALS: [&str; 8] =
    ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGKILL"];

impl Rule {
    /// What is wrong with a value: a message, and the way out, which may be empty.
    pub(crate) fn fault(self, value: &Value) -> Option<(String, String)> {
        if value.is_null() || !value.is_wholly_known() {
            return None;
        }
        let text = value.as_str().unwrap_or_default();
        let wrong = |ok: bool, what: &str, hint: &str| {
            // A sensitive value is never printed, not even to say what is wrong with it.
            let shown = if value.is_sensitive() { "the value".to_owned() } else { format!("{value}") };
            (!ok).then(|| (format!("{shown} is not {what}"), hint.to_owned()))
        };
        match self {
            Self::Any => None,
            Self::OneOf(words) => {
                let meant = diag::closest(text, words.iter().copied());
                let all = words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
                let hint = meant.map_or_else(
                    || format!("it is one of {all}"),
                    |m| format!("did you mean `{m}`? It is one of {all}"),
                );
                wrong(words.contains(&text), "one of the words that can stand here", &hint)
            }
            Self::Whole { min, max } => {
                let number = value.as_number().and_then(Number::to_i64);
                let ok = number.is_some_and(|n| (min..=max).contains(&n));
                wrong(ok, &format!("a whole number from {min} to {max}"), "")
            }
            Self::Positive => {
                let ok = value.as_number().is_some_and(|n| !n.is_negative() && !n.is_zero());
                wrong(ok, "above zero", "")
            }
            Self::Duration => wrong(
                duration_ms(text).is_some(),
                "a time",
                "write it with a unit: `30s`, `5m`, `1m30s`, `250ms`",
            ),
            Self::Size => {
                wrong(size_bytes(text).is_some(), "a size", "write it with a unit: `256Mi`, `1Gi`, `500M`")
            }
            Self::AbsolutePath => wrong(
                text.starts_with('/') && !text.split('/').any(|part| part == ".."),
                "a path from the root",
                "begin with `/`, and leave out `..`",
            ),
            Self::ProjectPath => wrong(
                !text.is_empty() && !text.starts_with('/') && !text.split('/').any(|part| part == ".."),
                "a path inside the project",
                "give it from the project's folder, without `..`",
            ),
            Self::Name => wrong(
                is_name(text),
                "a name",
                "lower-case letters, digits and `-`, beginning with a letter, at most 40 characters",
            ),
            Self::Host => wrong(
                is_host(text),
                "a host name",
                "give it without scheme, port or path: `shop.example.com`",
            ),
            Self::SocketAddress => wrong(
                text.parse::<std::net::SocketAddr>().is_ok(),
                "an address with a port",
                "write it as `127.0.0.1:8080`",
            ),
            Self::CountOrShare => {
                wrong(is_count_or_share(text), "a number or a share", "write `2` or `\"25%\"`")
            }
            Self::Signal => {
                let meant = diag::closest(text, SIGNALS);
                let hint = meant.map_or_else(
                    || format!("it is one of {}", SIGNALS.join(", ")),
                    |m| format!("did you mean `{m}`?"),
                );
                wrong(SIGNALS.contains(&text), "a signal", &hint)
            }
            Self::Mode => wrong(
                (3..=4).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b)),
                "a file mode",
                "write it in octal between quotes: `\"0755\"`",
            ),
            Self::Owner => {
                let mut parts = text.split(':');
                let ok = parts.clone().count() <= 2 && parts.all(|p| p.parse::<u32>().is_ok());
                wrong(ok, "a user", "write numbers: `1000` or `1000:1000`")
            }
            Self::Command => command_fault(value),
            Self::EnvironmentNames => environment_fault(value),
        }
    }
}

fn command_fault(value: &Value) -> Option<(String, String)> {
    let words = value.as_slice()?;
    if words.is_empty() {
        return Some((
            "the command is empty".into(),
            "name the program first: `[\"/shop\", \"web\"]`".into(),
        ));
    }
    let program = words.first().and_then(Value::as_str).unwrap_or_default();
    if program.is_empty() || program.contains(char::is_whitespace) {
        return Some((
            format!("{program:?} is not a program"),
            "each word is an element of its own; a shell has to be named: `[\"sh\", \"-c\", \"…\"]`".into(),
        ));
    }
    None
}

fn environment_fault(value: &Value) -> Option<(String, String)> {
    let Kind::Map(_, entries) = value.kind() else { return None };
    let bad = entries.keys().find(|k| {
        k.is_empty()
            || k.starts_with(|c: char| c.is_ascii_digit())
            || !k.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })?;
    Some((
        format!("{bad:?} is not the name of an environment variable"),
        "letters, digits and `_`, not beginning with a digit".into(),
    ))
}

fn is_name(text: &str) -> bool {
    text.len() <= 40
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn is_host(text: &str) -> bool {
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn is_count_or_share(text: &str) -> bool {
    let share = text.strip_suffix('%').map(str::parse::<u32>);
    match share {
        Some(share) => share.is_ok_and(|s| (1..=100).contains(&s)),
        None => text.parse::<u32>().is_ok_and(|n| n >= 1),
    }
}

/// A time such as `1m30s` in milliseconds. Units are `ms`, `s`, `m`, `h`, `d`; each at most once, the larger first.
#[must_use]
pub fn duration_ms(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 5] =
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let (mut rest, mut total, mut next) = (text, 0_u64, 0);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let after = rest.get(digits..)?;
        let unit = after.find(|c: char| c.is_ascii_digit()).map_or(after, |end| &after[..end]);
        let at = UNITS.iter().position(|(name, _)| *name == unit).filter(|at| *at >= next)?;
        total = total.checked_add(number.checked_mul(UNITS.get(at)?.1)?)?;
        next = at + 1;
        rest = after.get(unit.len()..)?;
    }
    Some(total)
}

/// A size such as `256Mi` in bytes. Units are those of Kubernetes: `Ki Mi Gi Ti` by 1024, `k M G T` by 1000.
#[must_use]
pub fn size_bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 9] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
        ("", 1),
    ];
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text.get(..digits)?.parse().ok()?;
    let unit = text.get(digits..)?;
    UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .and_then(|(_, factor)| number.checked_mul(*factor))
        .filter(|n| *n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_read_with_their_units() {
        for (text, ms) in [("30s", 30_000), ("1m30s", 90_000), ("250ms", 250), ("2h", 7_200_000), ("0s", 0)] {
            assert_eq!(duration_ms(text), Some(ms), "{text}");
        }
        for text in ["", "30", "s", "30x", "30s1m", "1.5s", "-1s", "99999999999999999999s"] {
            assert_eq!(duration_ms(text), None, "{text}");
        }
        for (text, bytes) in
            [("256Mi", 268_435_456), ("1Gi", 1_073_741_824), ("500M", 500_000_000), ("1024", 1024)]
        {
            assert_eq!(size_bytes(text), Some(bytes), "{text}");
        }
        for text in ["", "Mi", "256MB", "0", "1.5Gi", "256 Mi"] {
            assert_eq!(size_bytes(text), None, "{text}");
        }
    }
}
