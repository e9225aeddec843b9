//! Routes compiled for lookup: one tree of path segments for each host and one for any host, and at each place of it the
//! targets in the order of their conditions. It decides by text alone and performs no I/O.
//!
//! A lookup costs one hash for the host and one for each segment that some route shares, however many routes there are.
//! Paths are compared as they are sent: nothing is decoded, and `..` is a segment like any other.

use std::borrow::Cow;
use std::collections::HashMap;

use http::HeaderMap;

use crate::conditions::{ConditionFault, Conditions};

/// The longest path of a route, in bytes. Clients rarely send longer ones, and it bounds the depth of the tree.
pub(crate) const ROUTE_PATH_BYTES_MAX: usize = 4096;

/// Routes to targets.
#[derive(Debug)]
pub(crate) struct Routes<T> {
    by_host: HashMap<String, Node<T>>,
    any_host: Node<T>,
}

#[derive(Debug)]
struct Node<T> {
    /// Those with more conditions first; each has others.
    targets: Vec<(Conditions, T)>,
    children: HashMap<String, Node<T>>,
}

/// Why a route cannot be had.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RouteFault {
    #[error("another route has the same host, path and conditions; give one of them others")]
    Taken,
    #[error(transparent)]
    Condition(#[from] ConditionFault),
    #[error("its path does not begin with `/`")]
    NoSlash,
    #[error("its path is longer than {ROUTE_PATH_BYTES_MAX} bytes")]
    TooLong,
    #[error("its host is empty or names a port; give the host alone")]
    Host,
}

impl<T> Default for Routes<T> {
    fn default() -> Self {
        Self { by_host: HashMap::new(), any_host: Node::default() }
    }
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { targets: Vec::new(), children: HashMap::new() }
    }
}

impl<T> Routes<T> {
    /// Adds a route. A slash at the end of `path` makes no difference.
    pub(crate) fn insert(
        &mut self,
        host: Option<&str>,
        path: &str,
        conditions: Conditions,
        target: T,
    ) -> Result<(), RouteFault> {
        if !path.starts_with('/') {
            return Err(RouteFault::NoSlash);
        }
        if path.len() > ROUTE_PATH_BYTES_MAX {
            return Err(RouteFault::TooLong);
        }
        let mut node = match host {
            None => &mut self.any_host,
            Some(host) => {
                let name = host_name(host);
                if name.is_empty() || name.len() != host.trim_end_matches('.').len() {
                    return Err(RouteFault::Host);
                }
                self.by_host.entry(name.into_owned()).or_default()
            }
        };
        for segment in segments(path.trim_end_matches('/')) {
            node = node.children.entry(segment.to_owned()).or_default();
        }
        match node.targets.binary_search_by(|(other, _)| other.precedence(&conditions)) {
            Ok(_) => return Err(RouteFault::Taken),
            Err(place) => node.targets.insert(place, (conditions, target)),
        }
        Ok(())
    }

    /// The target of the most specific route whose conditions hold. `authority` is what the client named, with or without
    /// a port.
    pub(crate) fn find(&self, authority: &str, path: &str, headers: &HeaderMap) -> Option<&T> {
        let own = self.by_host.get(host_name(authority).as_ref());
        own.and_then(|tree| tree.longest(path, headers)).or_else(|| self.any_host.longest(path, headers))
    }
}

impl<T> Node<T> {
    fn of(&self, headers: &HeaderMap) -> Option<&T> {
        self.targets.iter().find(|(conditions, _)| conditions.hold(headers)).map(|(_, target)| target)
    }

    fn longest(&self, path: &str, headers: &HeaderMap) -> Option<&T> {
        let mut node = self;
        let mut found = self.of(headers);
        for segment in segments(path) {
            let Some(child) = node.children.get(segment) else { break };
            node = child;
            found = node.of(headers).or(found);
        }
        found
    }
}

/// The segments of a path that begins with `/`; none of `` or `/`'s left side.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').skip(1)
}

/// The host of `host:port`, in lower case and without the dot of a rooted name.
pub(crate) fn host_name(authority: &str) -> Cow<'_, str> {
    let host = if authority.starts_with('[') {
        authority.find(']').map_or(authority, |end| &authority[..=end])
    } else {
        authority.split(':').next().unwrap_or_default()
    };
    let host = host.trim_end_matches('.');
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `routes` as `host/path` (`*` for any host); the target of each is its own text.
    fn check(routes: &[&str], request: &str, expect: Option<&str>) {
        let mut compiled = Routes::default();
        for route in routes {
            let (host, path) = route.split_at(route.find('/').unwrap_or(route.len()));
            let host = if host == "*" { None } else { Some(host) };
            assert_eq!(
                compiled.insert(host, path, Conditions::default(), (*route).to_owned()),
                Ok(()),
                "{route}"
            );
        }
        let (host, path) = request.split_at(request.find('/').unwrap_or(request.len()));
        assert_eq!(compiled.find(host, path, &HeaderMap::new()).map(String::as_str), expect, "{request}");
    }

    #[test]
    fn the_longest_path_on_segment_borders_wins() {
        let routes = ["*/", "*/api", "*/api/v1/"];
        check(&routes, "a.test/", Some("*/"));
        check(&routes, "a.test/api", Some("*/api"));
        check(&routes, "a.test/api/", Some("*/api"));
        check(&routes, "a.test/apis", Some("*/"));
        check(&routes, "a.test/api/v1", Some("*/api/v1/"));
        check(&routes, "a.test/api/v1/items", Some("*/api/v1/"));
        check(&routes, "a.test/api/v10", Some("*/api"));
        check(&routes, "a.test//api", Some("*/"));
    }

    #[test]
    fn a_host_is_more_specific_than_any_path_of_any_host() {
        let routes = ["*/api/v1", "shop.test/api", "*/other"];
        check(&routes, "shop.test/api/v1", Some("shop.test/api"));
        check(&routes, "else.test/api/v1", Some("*/api/v1"));
        check(&routes, "shop.test/other", Some("*/other"));
        check(&routes, "shop.test/nothing", None);
    }

    #[test]
    fn case_port_and_the_dot_of_a_host_make_no_difference() {
        check(&["Shop.Test/"], "shop.test/", Some("Shop.Test/"));
        check(&["shop.test/"], "SHOP.test:8080/", Some("shop.test/"));
        check(&["shop.test/"], "shop.test./", Some("shop.test/"));
        check(&["shop.test/"], "a.shop.test/", None);
        check(&["[::1]/"], "[::1]:8080/", Some("[::1]/"));
    }

    #[test]
    fn paths_are_case_sensitive_and_not_decoded() {
        check(&["*/api"], "a.test/API", None);
        check(&["*/api"], "a.test/%61pi", None);
    }

    #[test]
    fn a_route_that_cannot_be_had_says_why() {
        let mut compiled = Routes::default();
        let mut insert =
            |host, path: &str, target| compiled.insert(host, path, Conditions::default(), target);
        assert_eq!(insert(None, "/a", 1), Ok(()));
        assert_eq!(insert(None, "/a/", 2), Err(RouteFault::Taken));
        assert_eq!(insert(None, "a", 3), Err(RouteFault::NoSlash));
        assert_eq!(insert(Some("a.test:80"), "/", 4), Err(RouteFault::Host));
        assert_eq!(insert(None, &"/a".repeat(ROUTE_PATH_BYTES_MAX), 5), Err(RouteFault::TooLong));
        assert_eq!(compiled.find("", "/a", &HeaderMap::new()), Some(&1));
    }
    #[test]
    fn a_route_whose_conditions_fail_is_passed_over_for_the_next_in_order() {
        let when = |value: &str| {
            let headers = std::collections::BTreeMap::from([("x-variant".to_owned(), value.to_owned())]);
            Conditions::new(&headers, &std::collections::BTreeMap::new()).unwrap_or_default()
        };
        let mut routes = Routes::default();
        for (host, path, conditions, target) in [
            (Some("a.test"), "/api", when("blue"), "blue api"),
            (Some("a.test"), "/", Conditions::default(), "a"),
            (Some("a.test"), "/", when("blue"), "blue"),
            (None, "/api/v1", when("red"), "red of any host"),
        ] {
            assert_eq!(routes.insert(host, path, conditions, target), Ok(()));
        }
        let find = |host: &str, path: &str, value: &'static str| {
            let headers = [("x-variant", value)].map(|(name, value)| {
                (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
            });
            routes.find(host, path, &headers.into_iter().collect()).copied()
        };
        assert_eq!(find("a.test", "/api/v1", "blue"), Some("blue api"));
        assert_eq!(find("a.test", "/api/v1", "red"), Some("a"));
        assert_eq!(find("a.test", "/x", "blue"), Some("blue"));
        assert_eq!(find("b.test", "/api/v1", "red"), Some("red of any host"));
        assert_eq!(find("b.test", "/api/v1", "blue"), None);
    }
}
