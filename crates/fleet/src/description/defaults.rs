//! What holds where a description says nothing. The figures are those of the service contract; it decides nothing.

use value::Value;

/// What holds where a description says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// Milliseconds that a new instance has to be ready without a break.
    pub min_healthy_ms: u64,
    /// Milliseconds without progress after which a rollout has failed.
    pub progress_deadline_ms: u64,
    /// Milliseconds that requests in flight are given.
    pub drain_ms: u64,
    /// Milliseconds that instances of the release before are kept without traffic.
    pub warm_ms: u64,
    /// Milliseconds that upgraded connections, such as WebSockets, are given: they last until somebody closes them, and
    /// clients that are told to by their server come back at once.
    pub upgraded_drain_ms: u64,
    /// Milliseconds between two readiness checks.
    pub interval_ms: u64,
    /// Milliseconds after which a check's answer counts as none.
    pub timeout_ms: u64,
    /// Consecutive passes that make an instance ready: one hides a crash loop.
    pub passes: u32,
    /// Consecutive failures that make a ready instance unready: one would take out a whole service for one hiccup.
    pub failures: u32,
}

impl Defaults {
    /// Of an environment. A protected one waits long enough to catch the crash that comes at second three; elsewhere a
    /// quick answer is worth more.
    #[must_use]
    pub fn new(protected: bool) -> Self {
        Self {
            min_healthy_ms: if protected { 10_000 } else { 2_000 },
            progress_deadline_ms: 120_000,
            drain_ms: 30_000,
            warm_ms: if protected { 600_000 } else { 0 },
            upgraded_drain_ms: 120_000,
            interval_ms: 1_000,
            timeout_ms: 2_000,
            passes: 2,
            failures: 3,
        }
    }
}

/// What holds at a place of a service, such as `rollout.drain` or `route[0].path`, where nothing is written there, if that
/// is one value for all environments.
pub(crate) fn default_of(place: &str) -> Option<&'static Value> {
    let mut block = &*lang::blocks::SERVICE;
    // An element of a list is like every other of it; one of a map has no default, since without it there is none.
    let element = |name: &str| name.ends_with(']') && !name.contains('"');
    let mut names = place
        .split('.')
        .map(|name| if element(name) { name.split('[').next().unwrap_or(name) } else { name })
        .peekable();
    while let Some(name) = names.next() {
        match names.peek() {
            Some(_) => block = &block.nested(name)?.block,
            None => return block.attribute(name)?.default.as_ref(),
        }
    }
    None
}

/// Whether a value says no more than nothing would: null, an empty collection, or the default at its place.
pub(crate) fn is_default(place: &str, value: &Value) -> bool {
    value.is_null() || value.length() == Some(0) || default_of(place).is_some_and(|default| default == value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServiceDescription;
    use lang::schema::Nesting;

    /// The language fills in defaults, and so do we where a value has none: both have to say the same.
    #[test]
    fn what_the_language_fills_in_is_what_holds_without_it() {
        let given = |name: &str| Value::object([(name, Value::string("/"))]);
        let port =
            || ("port", Value::object([("http", Value::object([("container", Value::number(80_u64))]))]));
        let bare = Value::object([("image", Value::string("x")), port(), ("health", given("http"))]);
        let mut spelled = vec![("image", Value::string("x")), port()];
        let service = &*lang::blocks::SERVICE;
        spelled
            .extend(service.attributes.iter().filter_map(|it| Some((it.name.as_ref(), it.default.clone()?))));
        for nested in service.blocks.iter().filter(|it| matches!(it.nesting, Nesting::Single { .. })) {
            let defaults =
                nested.block.attributes.iter().filter_map(|it| Some((it.name.as_ref(), it.default.clone()?)));
            let given = (nested.name.as_ref() == "health").then(|| ("http", Value::string("/")));
            spelled.push((nested.name.as_ref(), Value::object(defaults.chain(given))));
        }
        let defaults = Defaults::new(false);
        let bare = ServiceDescription::read(&bare, &defaults);
        assert!(bare.is_ok(), "{bare:?}");
        assert_eq!(bare, ServiceDescription::read(&Value::object(spelled), &defaults));
        assert_eq!(default_of("rollout.drain"), Some(&Value::string("30s")));
        assert_eq!(default_of("route[3].path"), Some(&Value::string("/")));
        assert_eq!(default_of("env[\"A\"]"), None);
    }
}
