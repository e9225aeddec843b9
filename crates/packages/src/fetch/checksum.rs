//! Digests of files, and whether an archive has the one that its source promises.

use std::fs::File;
use std::io::{self, Read, Seek};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use url::Url;

use crate::error::{Error, Result};
use crate::fetch::http::Http;
use crate::source::{Algorithm, Checksum};

/// Checks an archive's digest; `name` is the file's name, by which it is found in a list of digests.
///
/// # Errors
/// When the digest is another, or a list of digests cannot be had or lacks the file.
pub(crate) async fn check(http: &Http, file: &File, name: &str, checksum: &Checksum) -> Result<()> {
    let (algorithm, expected) = match checksum {
        Checksum::Digest { algorithm, digest } => (*algorithm, digest.clone()),
        Checksum::List(url) => listed(http, url, name).await?,
    };
    let mut file = file.try_clone().map_err(Error::io("reading", name))?;
    let found = blocking(move || {
        file.rewind()?;
        digest(algorithm, &mut file)
    })
    .await?
    .map_err(Error::io("reading", name))?;
    if found == expected {
        return Ok(());
    }
    let (expected, found) = (format!("{algorithm}:{expected}"), format!("{algorithm}:{found}"));
    Err(Error::Digest { of: name.to_owned(), expected, found })
}

/// Runs what reads or writes much on a thread for that.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::BrokenOff(e.to_string()))
}

async fn listed(http: &Http, url: &str, name: &str) -> Result<(Algorithm, String)> {
    let parsed =
        Url::parse(url).map_err(|e| Error::Protocol { url: url.to_owned(), cause: e.to_string() })?;
    let answer = http.get(&parsed, None).await?;
    if !answer.is_success() {
        return Err(answer.failure());
    }
    let text = String::from_utf8_lossy(&answer.body);
    in_list(&text, name)
        .ok_or_else(|| answer.strange(format!("the list of digests has no line for `{name}`")))
}

/// Lines of `sha256sum` (`digest  name`, `digest *name`), and of BSD (`SHA256 (name) = digest`).
fn in_list(list: &str, name: &str) -> Option<(Algorithm, String)> {
    let of_line = |line: &str| -> Option<(Algorithm, String)> {
        let (digest, file) = match line.split_once(") = ") {
            Some((left, digest)) => (digest.trim(), left.split_once(" (")?.1),
            None => {
                let (digest, file) = line.trim().split_once(char::is_whitespace)?;
                (digest, file.trim().trim_start_matches('*'))
            }
        };
        let file = file.rsplit('/').next()?;
        let is_hexadecimal = digest.bytes().all(|b| b.is_ascii_hexdigit());
        (file == name && is_hexadecimal)
            .then(|| Some((Algorithm::of_length(digest.len())?, digest.to_ascii_lowercase())))?
    };
    list.lines().find_map(of_line)
}

/// In lower-case hexadecimal digits.
fn digest(algorithm: Algorithm, reader: &mut impl Read) -> io::Result<String> {
    fn of<D: Digest + io::Write>(reader: &mut impl Read) -> io::Result<String> {
        let mut hasher = D::new();
        io::copy(reader, &mut hasher)?;
        Ok(hex::encode(hasher.finalize()))
    }
    match algorithm {
        Algorithm::Md5 => of::<Md5>(reader),
        Algorithm::Sha1 => of::<Sha1>(reader),
        Algorithm::Sha256 => of::<Sha256>(reader),
        Algorithm::Sha512 => of::<Sha512>(reader),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_in_lists_of_both_kinds() {
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        for list in [
            format!("# comment\n00  other.zip\n{md5}  a.zip\n"),
            format!("{md5} *./dist/a.zip"),
            format!("MD5 (a.zip) = {md5}\n"),
        ] {
            assert_eq!(in_list(&list, "a.zip"), Some((Algorithm::Md5, md5.to_owned())), "{list}");
        }
        assert_eq!(in_list("zz  a.zip\n00 a.zip\n", "a.zip"), None);
        assert_eq!(digest(Algorithm::Md5, &mut io::empty()).ok().as_deref(), Some(md5));
    }
}
