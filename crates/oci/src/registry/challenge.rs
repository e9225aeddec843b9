//! `WWW-Authenticate`: what a registry wants to see before it answers. RFC 7235, as far as registries use it.

use std::collections::BTreeMap;

/// What a registry wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A user's name and password in each request.
    Basic,
    /// A token of a token server.
    Bearer {
        /// The token server.
        realm: String,
        /// Whom the token is for, as the token server is to be told.
        service: Option<String>,
    },
}

impl Challenge {
    /// The first challenge of a header that is understood.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut parameters = parameters(rest);
        let realm = parameters.remove("realm")?;
        Some(Self::Bearer { realm, service: parameters.remove("service") })
    }
}

/// `key="value", key=value`; what is malformed ends the list.
fn parameters(mut text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    loop {
        text = text.trim_start_matches([' ', ',', '\t']);
        let Some((key, rest)) = text.split_once('=') else { return found };
        let value;
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut content = String::new();
            let mut characters = quoted.char_indices();
            let end = loop {
                match characters.next() {
                    Some((at, '"')) => break at + 1,
                    Some((_, '\\')) => content.extend(characters.next().map(|(_, c)| c)),
                    Some((_, other)) => content.push(other),
                    None => return found,
                }
            };
            value = content;
            text = &quoted[end..];
        } else {
            let end = rest.find([',', ' ']).unwrap_or(rest.len());
            value = rest[..end].to_owned();
            text = &rest[end..];
        }
        found.insert(key.trim().to_ascii_lowercase(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.into(), service: service.map(str::to_owned) })
        };
        for (text, expected) in [
            (r#"Basic realm="Registry""#, Some(Challenge::Basic)),
            ("basic", Some(Challenge::Basic)),
            (
                r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a:pull,push""#,
                bearer("https://auth.example/token", Some("registry.example")),
            ),
            (r#"bearer service=x, realm="a\"b""#, bearer("a\"b", Some("x"))),
            (r#"Bearer service="x""#, None),
            (r#"Bearer realm="never closed"#, None),
            ("Negotiate", None),
            ("", None),
        ] {
            assert_eq!(Challenge::parse(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_is_too_strange(text in "(Bearer |Basic )?[a-z=\",\\\\ ]{0,40}|\\PC{0,40}") {
            let _ = Challenge::parse(&text);
        }
    }
}
