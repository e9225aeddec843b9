//! What is executed: `$(NAME)` in the command, and where a program's file is found. It reads nothing but the file system's
//! answer whether a file can be executed.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The search path of a program whose image names none.
pub(crate) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Replaces `$(NAME)` by the variable of that name, as Kubernetes does: an unknown name stays as it is, and `$$(NAME)`
/// becomes `$(NAME)`.
pub(crate) fn expand(text: &str, env: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(escaped) = rest.strip_prefix("$$") {
            out.push('$');
            rest = escaped;
            continue;
        }
        match rest.strip_prefix("$(").and_then(|name| name.split_once(')')) {
            Some((name, after)) if is_name(name) => {
                match env.get(name) {
                    Some(value) => out.push_str(value),
                    None => out.push_str(&rest[..name.len() + 3]),
                }
                rest = after;
            }
            _ => {
                out.push('$');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// The file of a program: as it is if it names a path, else the first in the search path that can be executed.
pub(crate) fn find(program: &str, search: &str) -> Result<PathBuf, String> {
    if program.is_empty() {
        return Err("there is no program to run: neither the service nor the image names one".into());
    }
    if program.contains('/') {
        return Ok(PathBuf::from(program));
    }
    search
        .split(':')
        .map(|folder| Path::new(if folder.is_empty() { "." } else { folder }).join(program))
        .find(|file| {
            file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
        })
        .ok_or_else(|| format!("there is no program `{program}` in {search}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_as_in_kubernetes() {
        let env =
            BTreeMap::from([("PORT".to_owned(), "8080".to_owned()), ("A".to_owned(), "$(PORT)".to_owned())]);
        for (text, expect) in [
            ("--listen=:$(PORT)", "--listen=:8080"),
            ("$(A)", "$(PORT)"),
            ("$$(PORT)", "$(PORT)"),
            ("$(NOPE)/$PORT/${PORT}/$", "$(NOPE)/$PORT/${PORT}/$"),
            ("$(PORT", "$(PORT"),
            ("é$(PORT)é", "é8080é"),
        ] {
            assert_eq!(expand(text, &env), expect);
        }
    }
}
