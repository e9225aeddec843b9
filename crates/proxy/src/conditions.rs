//! What a route demands of a request beside its host and path: headers and cookies with exact values. It decides by text
//! alone, and knows no route.

use std::collections::BTreeMap;

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};

/// Headers and cookies that a request must have. The order of two is that of their precedence: more of them come first,
/// and of as many, those that come first as text. Two of the same order are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    headers: Vec<(HeaderName, HeaderValue)>,
    cookies: Vec<(String, String)>,
}

/// Why conditions cannot be had.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConditionFault {
    #[error("{0:?} cannot be the name of a header; use letters, digits and `-`")]
    HeaderName(String),
    #[error("header `{0}` is named twice; names of headers differ by more than upper and lower case")]
    HeaderTwice(HeaderName),
    #[error("header `{0}` cannot have this value: only visible characters, spaces and tabs go into one")]
    HeaderValue(HeaderName),
    #[error(
        "cookie {0:?} cannot be matched: a name has no `=`, and neither name nor value has `;`, spaces or nothing in it"
    )]
    Cookie(String),
}

impl Conditions {
    /// Reads conditions as a route gives them.
    pub(crate) fn new(
        headers: &BTreeMap<String, String>,
        cookies: &BTreeMap<String, String>,
    ) -> Result<Self, ConditionFault> {
        let mut conditions = Self::default();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| ConditionFault::HeaderName(name.clone()))?;
            let Ok(value) = HeaderValue::from_str(value.trim()) else {
                return Err(ConditionFault::HeaderValue(name));
            };
            if conditions.headers.iter().any(|(other, _)| *other == name) {
                return Err(ConditionFault::HeaderTwice(name));
            }
            conditions.headers.push((name, value));
        }
        conditions.headers.sort_by(|a, b| a.0.as_str().cmp(b.0.as_str()));
        for (name, value) in cookies {
            let bad = |text: &str| text.contains([';', ' ', '\t']);
            if name.is_empty() || name.contains('=') || bad(name) || bad(value) {
                return Err(ConditionFault::Cookie(name.clone()));
            }
            conditions.cookies.push((name.clone(), value.clone()));
        }
        Ok(conditions)
    }

    /// Whether a request with these headers is one of them.
    pub(crate) fn hold(&self, headers: &HeaderMap) -> bool {
        let header = |(name, value): &(HeaderName, HeaderValue)| {
            headers.get_all(name).into_iter().any(|found| found == value)
        };
        let cookie = |(name, value): &(String, String)| {
            cookies(headers).any(|(found, its)| found == name && its == value)
        };
        self.headers.iter().all(header) && self.cookies.iter().all(cookie)
    }

    /// What [`Ord`] would go by: see the type.
    pub(crate) fn precedence(&self, other: &Self) -> std::cmp::Ordering {
        let count = |it: &Self| it.headers.len() + it.cookies.len();
        count(other).cmp(&count(self)).then_with(|| self.to_string().cmp(&other.to_string()))
    }
}

impl std::fmt::Display for Conditions {
    /// ` header x-variant=blue cookie beta=1`; empty if there are none.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, value) in &self.headers {
            write!(f, " header {name}={}", value.to_str().unwrap_or_default())?;
        }
        self.cookies.iter().try_for_each(|(name, value)| write!(f, " cookie {name}={value}"))
    }
}

/// The cookies of a request (RFC 6265, 5.4); HTTP/2 may spread them over several lines.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        Some((name, value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn check(headers: &[(&str, &str)], cookies: &[(&str, &str)], request: &[(&str, &str)], expect: bool) {
        let conditions = Conditions::new(&map(headers), &map(cookies));
        let mut sent = HeaderMap::new();
        for (name, value) in request {
            let name = HeaderName::from_bytes(name.as_bytes());
            let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) else { continue };
            sent.append(name, value);
        }
        assert_eq!(conditions.map(|conditions| conditions.hold(&sent)), Ok(expect), "{request:?}");
    }

    #[test]
    fn all_of_them_have_to_hold() {
        check(&[], &[], &[], true);
        check(&[("X-Variant", "blue")], &[], &[("x-variant", "blue")], true);
        check(&[("x-variant", "blue")], &[], &[("x-variant", "Blue")], false);
        check(&[("x-variant", "blue")], &[], &[("x-variant", "red"), ("x-variant", "blue")], true);
        let both = [("x-variant", "blue"), ("cookie", "a=1; beta=yes")];
        check(&[("x-variant", "blue")], &[("beta", "yes")], &both, true);
        check(&[("x-variant", "blue")], &[("beta", "yes")], &both[..1], false);
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name_on_any_line() {
        check(&[], &[("b", "1")], &[("cookie", "a=0; b=1")], true);
        check(&[], &[("b", "1")], &[("cookie", "a=0"), ("cookie", "b=1")], true);
        check(&[], &[("b", "1")], &[("cookie", "a=0;b=\"1\"")], true);
        check(&[], &[("b", "1")], &[("cookie", "ab=1; b=11; x=b=1")], false);
    }

    #[test]
    fn what_cannot_be_matched_says_why() {
        let headers = |pairs: &[(&str, &str)]| Conditions::new(&map(pairs), &map(&[])).err();
        assert_eq!(headers(&[("a b", "1")]), Some(ConditionFault::HeaderName("a b".into())));
        assert!(matches!(headers(&[("A", "1"), ("a", "2")]), Some(ConditionFault::HeaderTwice(_))));
        assert!(matches!(headers(&[("a", "1\n2")]), Some(ConditionFault::HeaderValue(_))));
        for pair in [("", "1"), ("a=b", "1"), ("a", "1;2"), ("a b", "1")] {
            assert!(Conditions::new(&map(&[]), &map(&[pair])).is_err(), "{pair:?}");
        }
    }

    #[test]
    fn more_conditions_come_first_and_the_rest_is_by_text() {
        let of = |pairs: &[(&str, &str)]| Conditions::new(&map(pairs), &map(&[])).unwrap_or_default();
        let mut all = [of(&[]), of(&[("b", "1")]), of(&[("a", "2")]), of(&[("a", "1"), ("c", "1")])];
        all.sort_by(Conditions::precedence);
        let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(texts, [" header a=1 header c=1", " header a=2", " header b=1", ""]);
    }
}
