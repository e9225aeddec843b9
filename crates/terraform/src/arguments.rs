//! Terraform's flags: one dash or two, `-name=value` or `-name value`, flags before what they are followed by. What a flag means is its
//! verb's to know.

use std::collections::HashMap;
use std::time::Duration;

/// Flags that a verb takes.
#[derive(Debug, Clone, Copy)]
pub struct Flags {
    /// Flags that are there or not: `-json`, `-json=false`.
    pub switches: &'static [&'static str],
    /// Flags with a value: `-out=FILE`. Those that may come several times keep all values.
    pub values: &'static [&'static str],
    /// Flags with a value that are Terraform's and not ours.
    pub refused: &'static [Refused],
}

/// Flags that are refused, and why.
#[derive(Debug, Clone, Copy)]
pub struct Refused {
    /// Their names.
    pub names: &'static [&'static str],
    /// Why, and what to do instead.
    pub why: &'static str,
}

/// A verb as its user meets it.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Its name, as in `state mv`.
    pub verb: &'static str,
    /// What comes after the flags, as in `SOURCE DESTINATION`.
    pub arguments: &'static str,
    /// How many of these there have to be.
    pub least: usize,
    /// How many of these there may be.
    pub most: usize,
    /// What it does, in a line or two.
    pub about: &'static str,
    /// Its flags.
    pub flags: Flags,
}

/// What was given.
#[derive(Debug, Clone, Default)]
pub struct Given {
    switches: HashMap<&'static str, bool>,
    values: HashMap<&'static str, Vec<String>>,
    /// `-var` and `-var-file` in their order, since a later one counts more.
    pub variables: Vec<(&'static str, String)>,
    /// What is no flag.
    pub rest: Vec<String>,
    /// Whether help was asked for.
    pub wants_help: bool,
}

/// A flag that is not right; as Terraform words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlagFault {
    /// There is no such flag.
    #[error("flag provided but not defined: -{0}")]
    Unknown(String),
    /// It is Terraform's and not ours.
    #[error("-{name} is not supported: {why}")]
    Refused {
        /// The flag.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// It has no value.
    #[error("flag needs an argument: -{0}")]
    NoValue(String),
    /// A value that is not of the flag's form.
    #[error("invalid value {value:?} for flag -{name}: parse error")]
    Form {
        /// The flag.
        name: String,
        /// What it was given.
        value: String,
    },
    /// A switch that is neither true nor false.
    #[error("invalid boolean value {value:?} for -{name}: parse error")]
    NoSwitch {
        /// The flag.
        name: String,
        /// What it was given.
        value: String,
    },
}

impl Flags {
    /// Reads arguments. Flags may stand after other arguments too, which Terraform takes for some verbs only.
    ///
    /// # Errors
    /// At the first flag that is not right.
    pub fn read(self, arguments: &[String]) -> Result<Given, FlagFault> {
        let mut given = Given::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let flag = argument.strip_prefix("--").or_else(|| argument.strip_prefix('-'));
            let Some(flag) = flag.filter(|flag| !flag.is_empty()) else {
                // `--` alone ends the flags.
                if argument == "--" {
                    given.rest.extend(arguments.cloned());
                    break;
                }
                given.rest.push(argument.clone());
                continue;
            };
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (flag, None),
            };
            if matches!(name, "h" | "help") {
                given.wants_help = true;
            } else if let Some(known) = self.switches.iter().copied().find(|known| *known == name) {
                let on = match value.as_deref() {
                    None | Some("1" | "t" | "T" | "true" | "TRUE" | "True") => true,
                    Some("0" | "f" | "F" | "false" | "FALSE" | "False") => false,
                    Some(value) => {
                        return Err(FlagFault::NoSwitch { name: name.to_owned(), value: value.to_owned() });
                    }
                };
                given.switches.insert(known, on);
            } else if let Some(known) = self.values.iter().copied().find(|known| *known == name) {
                let value = value.or_else(|| arguments.next().cloned());
                let value = value.ok_or_else(|| FlagFault::NoValue(name.to_owned()))?;
                if matches!(known, "var" | "var-file") {
                    given.variables.push((known, value));
                } else {
                    given.values.entry(known).or_default().push(value);
                }
            } else if let Some(refused) = self.refused.iter().find(|it| it.names.contains(&name)) {
                // Without a copy nothing is to be written, and nothing is.
                if !(name == "backup" && value.as_deref() == Some("-")) {
                    return Err(FlagFault::Refused { name: name.to_owned(), why: refused.why });
                }
            } else {
                return Err(FlagFault::Unknown(name.to_owned()));
            }
        }
        Ok(given)
    }
}

impl Given {
    /// Whether a switch is on; `otherwise` where nothing is said.
    #[must_use]
    pub fn is_on(&self, name: &str, otherwise: bool) -> bool {
        self.switches.get(name).copied().unwrap_or(otherwise)
    }

    /// The value of a flag: the last one.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.last().map(String::as_str)
    }

    /// All values of a flag.
    #[must_use]
    pub fn values(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }
}

/// How long something lasts, as Terraform writes it: `90s`, `1m30s`, `1.5h`, `500ms`.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 6] =
        [("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|digits| *digits > 0)?;
        let number: f64 = rest[..digits].parse().ok()?;
        let (unit, factor) = UNITS.iter().find(|(unit, _)| rest[digits..].starts_with(unit))?;
        seconds += number * factor;
        rest = &rest[digits + unit.len()..];
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok()).flatten()
}

/// Arguments that an environment variable adds (`TF_CLI_ARGS`): words as a shell reads them, with quotes and backslashes.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: Flags = Flags {
        switches: &["json", "refresh"],
        values: &["out", "target", "var"],
        refused: &[Refused { names: &["state", "backup"], why: "it is no file" }],
    };

    fn read(text: &str) -> Result<Given, FlagFault> {
        FLAGS.read(&words(text))
    }

    #[test]
    fn flags_are_read_with_one_dash_or_two_and_with_their_values_beside_or_after_them() {
        let given =
            read("-json --refresh=false -out x -target=a.b --target 'c.d[\"e f\"]' plan.bin -var a=1")
                .unwrap();
        assert!(given.is_on("json", false) && !given.is_on("refresh", true));
        assert_eq!(given.value("out"), Some("x"));
        assert_eq!(given.values("target"), ["a.b", "c.d[\"e f\"]"]);
        assert_eq!(given.variables, [("var", "a=1".to_owned())]);
        assert_eq!(given.rest, ["plan.bin"]);
    }

    #[test]
    fn durations_are_read() {
        let ms = |text| duration(text).map(|it| it.as_millis());
        assert_eq!(
            [ms("0s"), ms("1m30s"), ms("1.5h"), ms("500ms")],
            [Some(0), Some(90_000), Some(5_400_000), Some(500)]
        );
        assert_eq!([ms("10"), ms(""), ms("s"), ms("-1s"), ms("1x")], [None; 5]);
    }

    #[test]
    fn what_is_no_flag_here_is_told() {
        assert_eq!(read("-nope").unwrap_err(), FlagFault::Unknown("nope".into()));
        assert_eq!(read("-out").unwrap_err(), FlagFault::NoValue("out".into()));
        assert_eq!(read("-state=x").unwrap_err().to_string(), "-state is not supported: it is no file");
        assert_eq!(read("-backup=- a").unwrap().rest, ["a"]);
        assert!(read("-json=maybe").unwrap_err().to_string().contains("\"maybe\""));
    }
}
