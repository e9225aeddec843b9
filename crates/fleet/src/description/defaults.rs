//! What holds where a description says nothing. The figures are those of the service contract; it decides nothing.

use std::sync::LazyLock;

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
            interval_ms: 1_000,
            timeout_ms: 2_000,
            passes: 2,
            failures: 3,
        }
    }
}

/// Defaults as they are written, by their place in a service.
static WRITTEN: LazyLock<Vec<(&'static str, Value)>> = LazyLock::new(|| {
    let text = Value::string;
    vec![
        ("health.failures", Value::number(3_u64)),
        ("health.interval", text("1s")),
        ("health.passes", Value::number(2_u64)),
        ("health.timeout", text("2s")),
        ("replicas", Value::number(1_u64)),
        ("restart.attempts", Value::number(3_u64)),
        ("restart.backoff", text("1s")),
        ("restart.window", text("5m")),
        ("rollout.auto_revert", Value::bool(true)),
        ("rollout.drain", text("30s")),
        ("rollout.progress_deadline", text("120s")),
        ("stop.grace", text("30s")),
        ("stop.signal", text("SIGTERM")),
    ]
});

/// What holds at a place of a service where nothing is written there, if that is one value for all environments.
pub(crate) fn default_of(path: &str) -> Option<&'static Value> {
    let at = WRITTEN.binary_search_by_key(&path, |(place, _)| place).ok()?;
    WRITTEN.get(at).map(|(_, value)| value)
}

/// Whether a value says no more than nothing would: null, an empty collection, or the default at its place.
pub(crate) fn is_default(path: &str, value: &Value) -> bool {
    value.is_null() || value.length() == Some(0) || default_of(path).is_some_and(|default| default == value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServiceDescription;

    #[test]
    fn what_is_written_as_a_default_is_what_holds_without_it() {
        assert!(WRITTEN.is_sorted_by_key(|(path, _)| *path));
        let port =
            || ("port", Value::object([("http", Value::object([("container", Value::number(80_u64))]))]));
        let bare = Value::object([
            ("image", Value::string("x")),
            port(),
            ("health", Value::object([("http", Value::string("/"))])),
        ]);
        let block = |name: &str| {
            let of = WRITTEN
                .iter()
                .filter_map(|(path, value)| Some((path.strip_prefix(name)?.strip_prefix('.')?, value)));
            of.map(|(attribute, value)| (attribute, value.clone())).collect::<Vec<_>>()
        };
        let mut health = block("health");
        health.push(("http", Value::string("/")));
        let spelled = Value::object([
            ("image", Value::string("x")),
            port(),
            ("replicas", default_of("replicas").cloned().unwrap_or_else(|| Value::number(0_u64))),
            ("health", Value::object(health)),
            ("restart", Value::object(block("restart"))),
            ("rollout", Value::object(block("rollout"))),
            ("stop", Value::object(block("stop"))),
        ]);
        let defaults = Defaults::new(false);
        assert_eq!(ServiceDescription::read(&bare, &defaults), ServiceDescription::read(&spelled, &defaults));
    }
}
