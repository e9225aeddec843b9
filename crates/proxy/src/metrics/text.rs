//! Counts in the text format of Prometheus. It counts nothing and knows no socket.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::latency::{BOUNDS_US, Latencies};
use crate::{ServiceKey, Stats};

/// The media type of the format (Prometheus, "Exposition formats").
pub(crate) const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Renders counts; `releases` are those of each service by the name of a release, which is empty where there is none.
pub(crate) fn render(stats: &Stats, releases: &BTreeMap<&ServiceKey, BTreeMap<String, Latencies>>) -> String {
    let mut text = Text(String::new());
    text.family("mainstay_proxy_requests_total", "counter", "Requests and connections given to an endpoint.");
    for (service, it) in &stats.services {
        text.line("mainstay_proxy_requests_total", &[("service", &service.0)], it.counts.requests);
    }
    text.family("mainstay_proxy_in_flight", "gauge", "Requests and connections in flight.");
    for (service, it) in &stats.services {
        text.line("mainstay_proxy_in_flight", &[("service", &service.0)], it.in_flight);
    }
    let help =
        "Requests that the proxy answered itself with 502, 503 or 504, and TCP connections that it dropped.";
    text.family("mainstay_proxy_unserved_total", "counter", help);
    for (service, it) in &stats.services {
        text.line("mainstay_proxy_unserved_total", &[("service", &service.0)], it.unserved);
    }
    let help = "Connections to endpoints that could not be opened.";
    text.family("mainstay_proxy_connect_failures_total", "counter", help);
    for (service, it) in &stats.services {
        let failures = it.counts.connect_failures;
        text.line("mainstay_proxy_connect_failures_total", &[("service", &service.0)], failures);
    }
    text.family(
        "mainstay_proxy_responses_total",
        "counter",
        "Answers of endpoints by the class of their status.",
    );
    for (service, release, it) in each(releases) {
        for (class, count) in it.responses.iter().enumerate().filter(|(_, count)| **count > 0) {
            let class = format!("{}xx", class + 1);
            let labels = [("service", service), ("release", release), ("class", class.as_str())];
            text.line("mainstay_proxy_responses_total", &labels, *count);
        }
    }
    let help = "Time from a request's arrival to the end of its answer.";
    text.family("mainstay_proxy_request_seconds", "histogram", help);
    for (service, release, it) in each(releases) {
        let labels = [("service", service), ("release", release)];
        for (bound, count) in BOUNDS_US.iter().zip(it.up_to) {
            let bound = seconds(*bound);
            let labels = [labels[0], labels[1], ("le", bound.as_str())];
            text.line("mainstay_proxy_request_seconds_bucket", &labels, count);
        }
        let all = [labels[0], labels[1], ("le", "+Inf")];
        text.line("mainstay_proxy_request_seconds_bucket", &all, it.count);
        text.line("mainstay_proxy_request_seconds_sum", &labels, seconds(it.sum_us));
        text.line("mainstay_proxy_request_seconds_count", &labels, it.count);
    }
    text.family("mainstay_proxy_instance_requests_total", "counter", "Requests given to an instance.");
    for (instance, it) in &stats.instances {
        let labels = [("instance_id", instance.0.as_str())];
        text.line("mainstay_proxy_instance_requests_total", &labels, it.counts.requests);
    }
    text.family(
        "mainstay_proxy_instance_in_flight",
        "gauge",
        "Requests and connections in flight on an instance.",
    );
    for (instance, it) in &stats.instances {
        text.line("mainstay_proxy_instance_in_flight", &[("instance_id", instance.0.as_str())], it.in_flight);
    }
    text.0
}

fn each<'a>(
    releases: &'a BTreeMap<&ServiceKey, BTreeMap<String, Latencies>>,
) -> impl Iterator<Item = (&'a str, &'a str, &'a Latencies)> {
    releases.iter().flat_map(|(service, releases)| {
        releases.iter().map(|(release, it)| (service.0.as_str(), release.as_str(), it))
    })
}

/// Exact: no figure of it goes through a float.
fn seconds(us: u64) -> String {
    let (whole, rest) = (us / 1_000_000, us % 1_000_000);
    let text = format!("{whole}.{rest:06}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (place, (label, value)) in labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{label}=\"");
            for character in value.chars() {
                match character {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    other => self.0.push(other),
                }
            }
            self.0.push('"');
        }
        let _ = writeln!(self.0, "}} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_and_a_label_are_written_as_prometheus_reads_them() {
        let service = ServiceKey::from("shop/dev/\"web\"");
        let mut one = Latencies { count: 3, sum_us: 1_250_000, ..Latencies::default() };
        one.responses[1] = 3;
        one.up_to[0] = 2;
        let releases = BTreeMap::from([(&service, BTreeMap::from([("v1".to_owned(), one)]))]);
        let text = render(&Stats::default(), &releases);
        for line in [
            "# TYPE mainstay_proxy_request_seconds histogram",
            r#"mainstay_proxy_responses_total{service="shop/dev/\"web\"",release="v1",class="2xx"} 3"#,
            r#"mainstay_proxy_request_seconds_bucket{service="shop/dev/\"web\"",release="v1",le="0.0005"} 2"#,
            r#"mainstay_proxy_request_seconds_bucket{service="shop/dev/\"web\"",release="v1",le="+Inf"} 3"#,
            r#"mainstay_proxy_request_seconds_sum{service="shop/dev/\"web\"",release="v1"} 1.25"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn seconds_are_exact() {
        assert_eq!([0, 1, 500, 1_000_000, 10_500_000].map(seconds), ["0", "0.000001", "0.0005", "1", "10.5"]);
    }
}
