//! Names of images in registries: `registry.example:5000/shop/web:1.2@sha256:…`. It asks nobody what they stand for.
//!
//! A reference always names its registry. A name without one, such as `shop/web`, is a project's own and never looked for on
//! the network; whoever means Docker Hub writes `docker.io/library/nginx`.

use std::fmt;
use std::str::FromStr;

use super::RegistryError;
use crate::Digest;

/// What is taken where a reference has neither a tag nor a digest, by everybody's habit.
const DEFAULT_TAG: &str = "latest";
/// As the distribution specification has it.
const TAG_BYTES_MAX: usize = 128;
/// As the distribution specification has it: the repository, with the registry's name.
const NAME_BYTES_MAX: usize = 255;
const DOCKER_HUB: &str = "docker.io";

/// The name of an image in a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Whether a text names a registry, so that it is a reference or meant to be one: its first part is `localhost` or has a
    /// point or a port, as everywhere.
    #[must_use]
    pub fn names_registry(text: &str) -> bool {
        let Some((first, rest)) = text.split_once('/') else { return false };
        !first.is_empty()
            && !rest.is_empty()
            && !first.starts_with('.')
            && (first == "localhost" || first.contains(['.', ':']))
    }

    /// The registry as people write it: `docker.io`, `registry.example:5000`.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository inside the registry: `library/nginx`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if one is written.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one is written: then the tag only tells people something.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The same repository and tag, at a digest.
    #[must_use]
    pub fn at(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }

    /// What the registry is asked for: the digest, or else the tag, or else `latest`.
    pub(super) fn wanted(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => DEFAULT_TAG.into(),
        }
    }

    /// Under which tag it is put there.
    pub(super) fn pushed_tag(&self) -> &str {
        self.tag.as_deref().unwrap_or(DEFAULT_TAG)
    }
}

impl FromStr for Reference {
    type Err = RegistryError;

    /// # Errors
    /// [`RegistryError::BadReference`] with what is wrong.
    fn from_str(text: &str) -> Result<Self, RegistryError> {
        let bad =
            |cause: String| RegistryError::BadReference { text: text.chars().take(300).collect(), cause };
        if text.contains("://") {
            return Err(bad("a reference has no scheme; write it without `https://`".into()));
        }
        let (rest, digest) = match text.rsplit_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse::<Digest>().map_err(|e| bad(e.to_string()))?)),
            None => (text, None),
        };
        if !Self::names_registry(rest) {
            return Err(bad(format!(
                "it names no registry; Docker Hub's images are `{DOCKER_HUB}/library/NAME`"
            )));
        }
        let (registry, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (path, tag) = match path.rsplit_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (path, None),
        };
        if !is_authority(registry) {
            return Err(bad(format!("`{registry}` is no host with a port")));
        }
        if let Some(part) = path.split('/').find(|part| !is_component(part)) {
            let allowed = "small letters and digits, with single points, dashes or underscores between them";
            return Err(bad(format!("`{part}` is no part of a repository's name; it consists of {allowed}")));
        }
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(bad(format!("`{tag}` is no tag")));
        }
        let registry = registry.to_ascii_lowercase();
        // What everybody writes for Docker Hub, in one form.
        let is_hub = matches!(registry.as_str(), DOCKER_HUB | "index.docker.io" | "registry-1.docker.io");
        let repository =
            if is_hub && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
        let registry = if is_hub { DOCKER_HUB.to_owned() } else { registry };
        if registry.len() + 1 + repository.len() > NAME_BYTES_MAX {
            return Err(bad(format!("it is longer than {NAME_BYTES_MAX} bytes")));
        }
        Ok(Self { registry, repository, tag: tag.map(str::to_owned), digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

/// `host`, `host:port`, `[::1]:port`: nothing with which a URL would mean another host.
pub(super) fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) => (host, port),
            None => return false,
        },
        None => match text.split_once(':') {
            Some((host, _)) => (host, &text[host.len()..]),
            None => (text, ""),
        },
    };
    let is_host = if text.starts_with('[') {
        host.parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
    };
    is_host && (port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()))
}

fn is_component(part: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let ends = bytes.first().is_some_and(|b| is_letter(*b)) && bytes.last().is_some_and(|b| is_letter(*b));
    // Between letters: one point, one or two underscores, any number of dashes.
    let separators = part.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    ends && separators
        .filter(|s| !s.is_empty())
        .all(|s| matches!(s, "." | "_" | "__") || s.bytes().all(|b| b == b'-'))
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= TAG_BYTES_MAX
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_as_people_write_it() {
        let digest = Digest::of(b"");
        for (text, registry, repository, wanted, shown) in [
            ("registry.example/app", "registry.example", "app", "latest", "registry.example/app"),
            ("localhost/a/b:1", "localhost", "a/b", "1", "localhost/a/b:1"),
            (
                "127.0.0.1:5000/a__b/c-d.e:v1.2-x",
                "127.0.0.1:5000",
                "a__b/c-d.e",
                "v1.2-x",
                "127.0.0.1:5000/a__b/c-d.e:v1.2-x",
            ),
            ("[::1]:5000/a:1", "[::1]:5000", "a", "1", "[::1]:5000/a:1"),
            ("docker.io/nginx:1", "docker.io", "library/nginx", "1", "docker.io/library/nginx:1"),
            (
                "index.docker.io/bitnami/redis",
                "docker.io",
                "bitnami/redis",
                "latest",
                "docker.io/bitnami/redis",
            ),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!((reference.registry(), reference.repository()), (registry, repository), "{text}");
            assert_eq!(
                (reference.wanted().as_str(), reference.to_string().as_str()),
                (wanted, shown),
                "{text}"
            );
            let pinned: Reference = format!("{text}@{digest}").parse().unwrap();
            assert_eq!(pinned, reference.at(digest));
            assert_eq!(pinned.wanted(), digest.to_string());
            assert_eq!(pinned.to_string().parse::<Reference>().unwrap(), pinned);
        }
    }

    #[test]
    fn what_is_no_reference_is_refused_with_what_is_wrong() {
        for (text, words) in [
            ("shop/web", "docker.io/library/NAME"),
            ("nginx", "names no registry"),
            ("./folder/x", "names no registry"),
            ("https://registry.example/app", "without `https://`"),
            ("registry.example/App:1", "`App`"),
            ("registry.example/a//b", "part of a repository"),
            ("registry.example/../b", "`..`"),
            ("registry.example/a_-b", "`a_-b`"),
            ("registry.example/a:", "no tag"),
            ("registry.example/a:-x", "no tag"),
            ("registry.example/a@sha256:12", "not a digest"),
            ("registry.example:port/a", "no host"),
            ("user:secret@registry.example/a", "not a digest"),
            ("registry.example?x/a", "no host"),
        ] {
            let fault = text.parse::<Reference>().unwrap_err().to_string();
            assert!(fault.contains(words), "{text}: {fault}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_taken_for_a_reference_is_written_as_it_is_read(text in "[a-z0-9.:/@_-]{0,40}|\\PC{0,40}") {
            if let Ok(reference) = text.parse::<Reference>() {
                proptest::prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
            }
        }
    }
}
