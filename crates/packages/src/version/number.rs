//! One version: numbers, a pre-release, metadata. Constraints are in the module beside it.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use thiserror::Error;

/// A version such as `1.2.0`, `v1.2`, `1.0.0-beta1` or `1.0.0+build.5`.
///
/// Numbers that are not written count as zero: `1` and `1.0.0` are equal. Metadata (after `+`) is kept and never compared.
#[derive(Debug, Clone)]
pub struct Version {
    /// Never without its first.
    numbers: Vec<u64>,
    /// How many numbers were written: `~>` looks at it.
    written: usize,
    pre_release: String,
    metadata: String,
}

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not a version: {reason}")]
pub struct InvalidVersion {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Version {
    /// Reads a version; a `v` in front is allowed, blanks around it are not.
    ///
    /// # Errors
    /// When it is not numbers with points between them, perhaps with a pre-release and metadata.
    pub fn parse(text: &str) -> Result<Self, InvalidVersion> {
        let fault = |reason| InvalidVersion { text: text.to_owned(), reason };
        let bare = text.strip_prefix('v').unwrap_or(text);
        let (bare, metadata) = match bare.split_once('+') {
            Some((bare, metadata)) => (bare, Some(metadata)),
            None => (bare, None),
        };
        let end = bare.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(bare.len());
        let (numbers, rest) = bare.split_at(end);
        if !numbers.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(fault("it has to start with a number"));
        }
        let numbers = numbers
            .split('.')
            .map(|number| match number.parse::<u64>() {
                // Terraform's own limit is that of a signed number of 64 bits.
                Ok(number) if i64::try_from(number).is_ok() => Ok(number),
                _ if number.is_empty() => Err(fault("a number is missing beside a point")),
                _ => Err(fault("a number is too large")),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let pre_release = match rest.strip_prefix('-') {
            Some("") => return Err(fault("a pre-release is missing after `-`")),
            Some(pre_release) => pre_release,
            None => rest,
        };
        for (part, is_missing) in [(pre_release, false), (metadata.unwrap_or(""), metadata == Some(""))] {
            if is_missing {
                return Err(fault("metadata are missing after `+`"));
            }
            if part.chars().any(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.' | '~')) {
                return Err(fault("a pre-release and metadata are letters, digits, `-` and `.`"));
            }
            if !part.is_empty() && part.split('.').any(str::is_empty) {
                return Err(fault("a part of the pre-release or the metadata is empty"));
            }
        }
        Ok(Self {
            written: numbers.len(),
            numbers,
            pre_release: pre_release.to_owned(),
            metadata: metadata.unwrap_or("").to_owned(),
        })
    }

    /// The number at a place, counted from 0; zero where none is written.
    #[must_use]
    pub fn number(&self, place: usize) -> u64 {
        self.numbers.get(place).copied().unwrap_or(0)
    }

    /// Whether another version has the same numbers.
    #[must_use]
    pub(crate) fn numbers_are(&self, other: &Self) -> bool {
        (0..self.numbers.len().max(other.numbers.len()))
            .all(|place| self.number(place) == other.number(place))
    }

    /// How many numbers were written: 2 for `1.2`.
    #[must_use]
    pub fn written(&self) -> usize {
        self.written
    }

    /// What is after `-`; empty for a release.
    #[must_use]
    pub fn pre_release(&self) -> &str {
        &self.pre_release
    }

    /// What is after `+`.
    #[must_use]
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// Whether it has a pre-release.
    #[must_use]
    pub fn is_pre_release(&self) -> bool {
        !self.pre_release.is_empty()
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// With at least three numbers, as registries are asked for it: `v1.2` is `1.2.0`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in 0..self.numbers.len().max(3) {
            let point = if place > 0 { "." } else { "" };
            write!(f, "{point}{}", self.number(place))?;
        }
        if self.is_pre_release() {
            write!(f, "-{}", self.pre_release)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let places = self.numbers.len().max(other.numbers.len());
        let numbers = (0..places).map(|place| self.number(place).cmp(&other.number(place)));
        numbers
            .fold(Ordering::Equal, Ordering::then)
            // A release is newer than its pre-releases.
            .then_with(|| other.is_pre_release().cmp(&self.is_pre_release()))
            .then_with(|| compare_pre_releases(&self.pre_release, &other.pre_release))
    }
}

/// Semantic Versioning 2.0.0, 11.4: numbers as numbers and below words, words by their bytes, the longer above the shorter.
fn compare_pre_releases(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let (a, b) = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => (a, b),
        };
        let order = match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => a.cmp(b),
        };
        if order.is_ne() {
            return order;
        }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let significant = self.numbers.iter().rposition(|number| *number != 0).map_or(0, |last| last + 1);
        self.numbers[..significant].hash(state);
        // Parts that are numbers are compared as numbers, so `01` and `1` have to hash alike.
        for part in self.pre_release.split('.') {
            match part.parse::<u64>() {
                Ok(number) => number.hash(state),
                Err(_) => part.hash(state),
            }
        }
    }
}
