//! `?checksum=` of an archive: which digest it has to have. It computes none.

use std::fmt;

/// What an archive's digest has to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// `algorithm:digest`, or the digest alone, whose length tells the algorithm.
    Digest {
        /// How it is computed.
        algorithm: Algorithm,
        /// In lower-case hexadecimal digits.
        digest: String,
    },
    /// `file:URL`: a list of digests and names as `sha256sum` writes it.
    List(String),
}

/// How a digest is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// 32 digits.
    Md5,
    /// 40 digits.
    Sha1,
    /// 64 digits.
    Sha256,
    /// 128 digits.
    Sha512,
}

impl Checksum {
    /// Reads what `?checksum=` says.
    ///
    /// # Errors
    /// A sentence's end that says why it cannot be meant.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (algorithm, digest) = match text.split_once(':') {
            Some(("file", url)) if !url.is_empty() => return Ok(Self::List(url.to_owned())),
            Some((name, digest)) => {
                let algorithm = Algorithm::named(name)
                    .ok_or_else(|| format!("`{name}` is none of md5, sha1, sha256, sha512 and file"))?;
                (algorithm, digest)
            }
            None => {
                let algorithm = Algorithm::of_length(text.len())
                    .ok_or_else(|| format!("no known digest has {} digits", text.len()))?;
                (algorithm, text)
            }
        };
        if digest.len() != algorithm.digits() || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(format!("{algorithm} has {} hexadecimal digits", algorithm.digits()));
        }
        Ok(Self::Digest { algorithm, digest: digest.to_ascii_lowercase() })
    }
}

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        [Self::Md5, Self::Sha1, Self::Sha256, Self::Sha512].into_iter().find(|a| a.to_string() == name)
    }

    /// The algorithm whose digests have so many hexadecimal digits.
    #[must_use]
    pub fn of_length(digits: usize) -> Option<Self> {
        [Self::Md5, Self::Sha1, Self::Sha256, Self::Sha512].into_iter().find(|a| a.digits() == digits)
    }

    fn digits(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha1 => 40,
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        })
    }
}
