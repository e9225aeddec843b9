//! Platforms: which machine a provider's package is made for, in Terraform's words.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A system and a processor: `linux_amd64`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    system: String,
    processor: String,
}

/// A text that names no platform.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidPlatform {
    /// It is not two words.
    #[error("must be two words separated by an underscore")]
    Words,
    /// A word has other signs than lower-case letters and digits, or none at all.
    #[error("words are lower-case letters and digits, and `{0}` is not")]
    Word(String),
}

impl Platform {
    /// The machine that this program runs on.
    #[must_use]
    pub fn current() -> Self {
        let system = match std::env::consts::OS {
            "macos" => "darwin",
            other => other,
        };
        let processor = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            other => other,
        };
        Self { system: system.to_owned(), processor: processor.to_owned() }
    }

    /// `linux`.
    #[must_use]
    pub fn system(&self) -> &str {
        &self.system
    }

    /// `amd64`.
    #[must_use]
    pub fn processor(&self) -> &str {
        &self.processor
    }
}

impl FromStr for Platform {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (system, processor) = text.split_once('_').ok_or(InvalidPlatform::Words)?;
        if processor.contains('_') {
            return Err(InvalidPlatform::Words);
        }
        for word in [system, processor] {
            // It becomes a part of paths and of URLs.
            if word.is_empty() || !word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
                return Err(InvalidPlatform::Word(word.to_owned()));
            }
        }
        Ok(Self { system: system.to_owned(), processor: processor.to_owned() })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.system, self.processor)
    }
}
