//! Text to [`Source`]: the forms in the order in which Terraform tries them.

use std::path::PathBuf;

use url::Url;

use super::{
    ArchiveKind, Checksum, GitPackage, HttpPackage, LocalSource, Package, RegistrySource, RemoteSource,
    Source, SourceError,
};

pub(super) fn source(text: &str) -> Result<Source, SourceError> {
    if text.is_empty() {
        return Err(SourceError::Empty);
    }
    if ["./", "../", ".\\", "..\\"].iter().any(|start| text.starts_with(start)) {
        return Ok(Source::Local(LocalSource(local_path(text))));
    }
    if let Some(registry) = RegistrySource::parse(text) {
        return registry.map(Source::Registry);
    }
    remote(text).map(Source::Remote)
}

/// `./a/../b//c/` is `./b/c`.
fn local_path(text: &str) -> String {
    let text = text.replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let path = parts.join("/");
    if parts.first() == Some(&"..") {
        if path == ".." { "../".to_owned() } else { path }
    } else {
        format!("./{path}")
    }
}

/// The text before and after the `//` that is not that of a scheme; what follows `?` stays with the second part.
pub(super) fn split_subfolder(text: &str) -> (&str, Option<&str>) {
    let end = text.find('?').unwrap_or(text.len());
    let start = text[..end].find("://").map_or(0, |at| at + 3);
    match text[start..end].find("//") {
        Some(at) => (&text[..start + at], Some(&text[start + at + 2..])),
        None => (text, None),
    }
}

/// A folder inside of a package, without needless steps; `None` is the package itself.
pub(super) fn subfolder(text: &str) -> Result<Option<String>, SourceError> {
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| SourceError::SubfolderEscapes(text.to_owned()))?;
            }
            _ if part.contains(['\\', '\0']) => return Err(SourceError::SubfolderEscapes(text.to_owned())),
            _ => parts.push(part),
        }
    }
    Ok((!parts.is_empty()).then(|| parts.join("/")))
}

/// A package. Registries answer with such texts too.
pub(crate) fn remote(text: &str) -> Result<RemoteSource, SourceError> {
    let (package, folder) = split_subfolder(text);
    let (package, query, folder) = match folder {
        // What follows `?` belongs to the package, not to the folder.
        Some(folder) => match folder.split_once('?') {
            Some((folder, query)) => (package, Some(query), Some(folder)),
            None => (package, None, Some(folder)),
        },
        None => match package.split_once('?') {
            Some((package, query)) => (package, Some(query), None),
            None => (package, None, None),
        },
    };
    let mut folder = folder.map(subfolder).transpose()?.flatten();
    let (forced, bare) = forced(package);
    let undetermined = || SourceError::Undetermined(text.to_owned());
    let Found { kind, url, folder: found } = detect(forced, bare)?.ok_or_else(undetermined)?;
    if let Some(found) = found {
        folder = Some(match folder {
            Some(folder) => format!("{found}/{folder}"),
            None => found,
        });
    }
    let query = query.filter(|query| !query.is_empty());
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
    let package = match (kind.as_deref(), scheme.as_str()) {
        (Some("git"), _) | (None, "git") => Package::Git(git(&url, query)?),
        (None | Some("http" | "https"), "http" | "https") => Package::Http(http(&url, query)?),
        (None | Some("file"), "file") => file(&url, query)?,
        (Some(known @ ("s3" | "gcs" | "hg")), _) => Package::Unsupported { kind: known.to_owned() },
        (None, _) => Package::Unsupported { kind: scheme },
        (Some(_), _) => return Err(undetermined()),
    };
    let base = match kind {
        Some(kind) => format!("{kind}::{url}"),
        None => url,
    };
    Ok(RemoteSource { package, base, query: query.map(str::to_owned), subfolder: folder })
}

/// `git::rest`.
fn forced(text: &str) -> (Option<&str>, &str) {
    match text.split_once("::") {
        Some((kind, rest))
            if !kind.is_empty()
                && !rest.is_empty()
                && kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) =>
        {
            (Some(kind), rest)
        }
        _ => (None, text),
    }
}

/// A text with its short forms written out.
struct Found {
    kind: Option<String>,
    url: String,
    /// A short form can have the folder behind the repository's name.
    folder: Option<String>,
}

fn detect(forced: Option<&str>, text: &str) -> Result<Option<Found>, SourceError> {
    let found = |kind: Option<&str>, url: String| {
        Ok(Some(Found { kind: forced.or(kind).map(str::to_owned), url, folder: None }))
    };
    // A scheme comes first: `https://github.com/…` is an HTTP source unless `git::` says otherwise.
    if let Some((scheme, rest)) = text.split_once("://") {
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        return if is_scheme && !rest.is_empty() { found(None, text.to_owned()) } else { Ok(None) };
    }
    for host in ["github.com", "bitbucket.org"] {
        if let Some(path) = text.strip_prefix(host).and_then(|rest| rest.strip_prefix('/')) {
            return hosted(forced, host, path).map(Some);
        }
    }
    if let Some(ssh) = secure_copy_form(forced, text) {
        return found(Some("git"), ssh);
    }
    if let Some((host, path)) = text.split_once('/') {
        if host.ends_with(".amazonaws.com") && host.contains("s3") && !path.is_empty() {
            return found(Some("s3"), format!("https://{text}"));
        }
        if host == "www.googleapis.com" && path.starts_with("storage/") {
            return found(Some("gcs"), format!("https://{text}"));
        }
    }
    if text.starts_with('/') {
        return found(None, format!("file://{text}"));
    }
    Ok(None)
}

/// `github.com/owner/repository/folder`.
fn hosted(forced: Option<&str>, host: &'static str, path: &str) -> Result<Found, SourceError> {
    let mut parts = path.splitn(3, '/');
    let (owner, repository) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    if owner.is_empty() || repository.is_empty() {
        return Err(SourceError::Hosting(host));
    }
    let repository = repository.strip_suffix(".git").unwrap_or(repository);
    Ok(Found {
        kind: Some(forced.unwrap_or("git").to_owned()),
        url: format!("https://{host}/{owner}/{repository}.git"),
        folder: parts.next().map(subfolder).transpose()?.flatten(),
    })
}

/// `git@host:path` as `ssh://git@host/path`; other users only after `git::`.
fn secure_copy_form(forced: Option<&str>, text: &str) -> Option<String> {
    let (user, rest) = text.split_once('@')?;
    let (host, path) = rest.split_once(':')?;
    let allowed = user == "git" || forced == Some("git");
    let is_word = |word: &str| {
        !word.is_empty()
            && !word.starts_with('-')
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    (allowed && is_word(user) && is_word(host) && !path.is_empty())
        .then(|| format!("ssh://{user}@{host}/{}", path.trim_start_matches('/')))
}

fn arguments(query: Option<&str>) -> impl Iterator<Item = (String, String)> {
    url::form_urlencoded::parse(query.unwrap_or("").as_bytes()).into_owned()
}

fn git(url: &str, query: Option<&str>) -> Result<GitPackage, SourceError> {
    let parsed = Url::parse(url).map_err(|e| SourceError::Url(e.to_string()))?;
    if !matches!(parsed.scheme(), "http" | "https" | "ssh" | "git" | "file") {
        return Err(SourceError::Url(format!("git does not fetch from `{}://`", parsed.scheme())));
    }
    // `ssh` would take such a host for an option.
    if parsed.host_str().is_some_and(|host| host.starts_with('-')) || parsed.username().starts_with('-') {
        return Err(SourceError::Url("a host and a user do not start with `-`".to_owned()));
    }
    let (mut reference, mut depth, mut others) = (None, None, Vec::new());
    for (name, value) in arguments(query) {
        match name.as_str() {
            "ref" => reference = Some(checked_reference(value)?).filter(|name| !name.is_empty()),
            "depth" => {
                let count = value.parse::<u32>().ok().filter(|count| *count > 0);
                let fault = || SourceError::Argument {
                    name: "depth",
                    value: value.clone(),
                    reason: "it is no number of commits".to_owned(),
                };
                depth = Some(count.ok_or_else(fault)?);
            }
            "sshkey" => {
                return Err(SourceError::Argument {
                    name: "sshkey",
                    value: "…".to_owned(),
                    reason: "a private key does not belong into an address; use the SSH agent".to_owned(),
                });
            }
            _ => others.push((name, value)),
        }
    }
    let mut url = url.to_owned();
    if !others.is_empty() {
        let rest = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(others).finish();
        url = format!("{url}?{rest}");
    }
    Ok(GitPackage { url, reference, depth })
}

/// A name that `git` can take for nothing else: no option, no refspec, no expression.
fn checked_reference(name: String) -> Result<String, SourceError> {
    let reason = if name.starts_with('-') {
        "it would be taken for an option"
    } else if name.contains("..") || name.contains("@{") || name.starts_with('+') {
        "it is an expression, not a name"
    } else if name
        .chars()
        .any(|c| c.is_control() || matches!(c, ' ' | ':' | '^' | '~' | '?' | '*' | '[' | '\\'))
    {
        "no branch and no tag can have such a name"
    } else {
        return Ok(name);
    };
    Err(SourceError::Argument { name: "ref", value: name, reason: reason.to_owned() })
}

/// How an archive is read, what it has to be, and the arguments that are the server's.
type Split = (Option<ArchiveKind>, Option<Checksum>, Vec<(String, String)>);

/// `archive` and `checksum` are meant for us; the rest is the server's.
fn split_arguments(path: &str, query: Option<&str>) -> Result<Split, SourceError> {
    let (mut archive, mut checksum, mut others) = (ArchiveKind::of_file(path), None, Vec::new());
    for (name, value) in arguments(query) {
        match name.as_str() {
            "archive" => {
                let reason = || "it is no kind of archive".to_owned();
                let kind = ArchiveKind::named(&value);
                archive = Some(kind.ok_or_else(|| SourceError::Argument {
                    name: "archive",
                    value,
                    reason: reason(),
                })?);
            }
            "checksum" => match Checksum::parse(&value) {
                Ok(read) => checksum = Some(read),
                Err(reason) => return Err(SourceError::Argument { name: "checksum", value, reason }),
            },
            // What a downloaded file would be called: nobody sees it.
            "filename" => {}
            _ => others.push((name, value)),
        }
    }
    Ok((archive, checksum, others))
}

fn http(url: &str, query: Option<&str>) -> Result<HttpPackage, SourceError> {
    let mut url = Url::parse(url).map_err(|e| SourceError::Url(e.to_string()))?;
    let (archive, checksum, others) = split_arguments(url.path(), query)?;
    if !others.is_empty() {
        url.query_pairs_mut().extend_pairs(others);
    }
    Ok(HttpPackage { url, archive, checksum })
}

fn file(url: &str, query: Option<&str>) -> Result<Package, SourceError> {
    let path = url.get("file://".len()..).unwrap_or("");
    if !path.starts_with('/') {
        return Err(SourceError::Url(
            "`file://` is followed by an absolute path, so by a third `/`".to_owned(),
        ));
    }
    let (archive, checksum, _) = split_arguments(path, query)?;
    Ok(Package::File { path: PathBuf::from(path), archive, checksum })
}
