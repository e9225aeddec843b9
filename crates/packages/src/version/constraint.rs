//! Version constraints: conditions with commas between them. Which versions exist is the caller's to know.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{InvalidVersion, Version};

/// Conditions that a version has to meet, such as `>= 1.2, < 2.0`.
///
/// A pre-release is met only by a condition that names exactly it (`1.0.0-beta1`, `= 1.0.0-beta1`); `>=`, `~>` and the
/// others never choose one. Conditions beside an exact one still have to hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Constraints(Vec<Condition>);

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    /// How the version is compared.
    pub operator: Operator,
    /// With what.
    pub version: Version,
}

/// How a version is compared with the one that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `=`, or nothing.
    Equal,
    /// `!=`.
    NotEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `~>`: not older, and only the last number that is written may differ. `~> 1` has no upper end.
    Pessimistic,
}

/// A text that is no constraint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidConstraint {
    /// Nothing is written, in the whole or between two commas.
    #[error("a condition is missing")]
    Empty,
    /// A sign that is none of the operators.
    #[error("`{0}` is not an operator")]
    Operator(String),
    /// What follows the operator is no version.
    #[error(transparent)]
    Version(#[from] InvalidVersion),
}

impl Constraints {
    /// Reads conditions with commas between them.
    ///
    /// # Errors
    /// When a condition is missing, its operator is unknown, or its version is none.
    pub fn parse(text: &str) -> Result<Self, InvalidConstraint> {
        text.split(',').map(Condition::parse).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn of(conditions: Vec<Condition>) -> Self {
        Self(conditions)
    }

    /// Only this version.
    #[must_use]
    pub fn exactly(version: Version) -> Self {
        Self(vec![Condition { operator: Operator::Equal, version }])
    }

    /// Whether a version meets every condition.
    #[must_use]
    pub fn allow(&self, version: &Version) -> bool {
        let named = || {
            self.0.iter().any(|c| {
                c.operator == Operator::Equal
                    && c.version == *version
                    && c.version.pre_release() == version.pre_release()
            })
        };
        self.0.iter().all(|condition| condition.holds(version)) && (!version.is_pre_release() || named())
    }

    /// The newest of the versions that meets every condition.
    #[must_use]
    pub fn newest<'a>(&self, versions: impl IntoIterator<Item = &'a Version>) -> Option<&'a Version> {
        versions.into_iter().filter(|version| self.allow(version)).max()
    }

    /// The conditions as written.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.0
    }
}

/// The newest of the versions that is no pre-release: what is chosen where nothing is asked for.
#[must_use]
pub(crate) fn newest_release<'a>(versions: impl IntoIterator<Item = &'a Version>) -> Option<&'a Version> {
    versions.into_iter().filter(|version| !version.is_pre_release()).max()
}

impl Condition {
    fn parse(text: &str) -> Result<Self, InvalidConstraint> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidConstraint::Empty);
        }
        let end = text.find(|c: char| !matches!(c, '=' | '!' | '<' | '>' | '~' | '^')).unwrap_or(text.len());
        let (sign, version) = text.split_at(end);
        let operator = match sign {
            "" | "=" => Operator::Equal,
            "!=" => Operator::NotEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            "~>" => Operator::Pessimistic,
            other => return Err(InvalidConstraint::Operator(other.to_owned())),
        };
        Ok(Self { operator, version: Version::parse(version.trim_start())? })
    }

    /// Whether the comparison holds; that a pre-release has to be named exactly is decided above.
    pub(super) fn holds(&self, version: &Version) -> bool {
        let order = version.cmp(&self.version);
        match self.operator {
            Operator::Equal => order.is_eq(),
            Operator::NotEqual => order.is_ne(),
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::Pessimistic => {
                // From a pre-release `~>` goes to no other version than its own pre-releases.
                if self.version.is_pre_release() {
                    let is_same = self.version.numbers_are(version);
                    return order.is_ge() && is_same && version.is_pre_release();
                }
                let fixed = self.version.written().saturating_sub(1);
                order.is_ge() && (0..fixed).all(|place| version.number(place) == self.version.number(place))
            }
        }
    }
}

impl Operator {
    /// As it is written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Pessimistic => "~>",
        }
    }
}

impl FromStr for Constraints {
    type Err = InvalidConstraint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Constraints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, condition) in self.0.iter().enumerate() {
            write!(f, "{}{condition}", if place > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// With as many numbers as were written, since `~> 1.2` and `~> 1.2.0` differ.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.operator.sign())?;
        for place in 0..self.version.written() {
            write!(f, "{}{}", if place > 0 { "." } else { "" }, self.version.number(place))?;
        }
        if self.version.is_pre_release() {
            write!(f, "-{}", self.version.pre_release())?;
        }
        if !self.version.metadata().is_empty() {
            write!(f, "+{}", self.version.metadata())?;
        }
        Ok(())
    }
}
