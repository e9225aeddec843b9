//! What became of the requests: counted by each worker, added up at the end. It sends nothing.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::histogram::Histogram;

/// Examples of errors kept in a report. The first few name the cause; the rest repeat them.
const EXAMPLES_MAX: usize = 5;

/// What became of the requests. Every request that was sent is counted once: as ok, by its status, or as one of the faults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LoadReport {
    /// Requests that were tried.
    pub sent: u64,
    /// Answered whole with a status below 400.
    pub ok: u64,
    /// Answered whole with a status of 400 or more, by status.
    pub failed_status: BTreeMap<u16, u64>,
    /// Connections that were refused, reset or closed before the whole answer.
    pub resets: u64,
    /// No whole answer in time.
    pub timeouts: u64,
    /// Any other fault.
    pub other_errors: u64,
    /// The first faults, in words.
    pub examples: Vec<String>,
    /// Connections that were opened.
    pub connections_opened: u64,
    /// Median latency of whole answers, in microseconds, with an error of at most 1.6 %.
    pub latency_us_p50: u64,
    /// The 99th percentile of the same.
    pub latency_us_p99: u64,
    /// The longest, exactly.
    pub latency_us_max: u64,
    /// Whole answers by their `x-release` header; those without one are not here.
    pub by_release: BTreeMap<String, u64>,
    /// From the start to the last answer, in milliseconds.
    pub elapsed_ms: u64,
}

impl LoadReport {
    /// Requests that did not end with a status below 400.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.sent - self.ok
    }
}

/// What one worker, or all of them, have seen.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) report: LoadReport,
    pub(super) latencies: Histogram,
    pub(super) last_answer: Option<Instant>,
}

/// Why a request got no whole answer.
pub(super) enum Fault {
    Reset(String),
    TimedOut,
    Other(String),
}

impl Account {
    /// Counts a whole answer to a request that was due at `due`.
    pub(super) fn answered(&mut self, status: u16, release: Option<String>, due: Instant, now: Instant) {
        if status < 400 {
            self.report.ok += 1;
        } else {
            *self.report.failed_status.entry(status).or_default() += 1;
            self.example(format!("status {status}"));
        }
        if let Some(release) = release {
            *self.report.by_release.entry(release).or_default() += 1;
        }
        let latency = micros(now.saturating_duration_since(due));
        self.report.latency_us_max = self.report.latency_us_max.max(latency);
        self.latencies.record(latency);
        self.last_answer = self.last_answer.max(Some(now));
    }

    /// Counts a request without a whole answer.
    pub(super) fn failed(&mut self, fault: Fault) {
        let text = match fault {
            Fault::Reset(text) => {
                self.report.resets += 1;
                text
            }
            Fault::TimedOut => {
                self.report.timeouts += 1;
                "no whole answer in time".to_owned()
            }
            Fault::Other(text) => {
                self.report.other_errors += 1;
                text
            }
        };
        self.example(text);
    }

    /// Keeps a fault's words if there are few yet.
    pub(super) fn example(&mut self, text: String) {
        if self.report.examples.len() < EXAMPLES_MAX && !self.report.examples.contains(&text) {
            self.report.examples.push(text);
        }
    }

    /// Adds what another worker has seen.
    pub(super) fn add(&mut self, other: Self) {
        let (mine, theirs) = (&mut self.report, other.report);
        mine.sent += theirs.sent;
        mine.ok += theirs.ok;
        mine.resets += theirs.resets;
        mine.timeouts += theirs.timeouts;
        mine.other_errors += theirs.other_errors;
        mine.connections_opened += theirs.connections_opened;
        mine.latency_us_max = mine.latency_us_max.max(theirs.latency_us_max);
        for (status, count) in theirs.failed_status {
            *mine.failed_status.entry(status).or_default() += count;
        }
        for (release, count) in theirs.by_release {
            *mine.by_release.entry(release).or_default() += count;
        }
        for example in theirs.examples {
            self.example(example);
        }
        self.latencies.add(&other.latencies);
        self.last_answer = self.last_answer.max(other.last_answer);
    }
}

/// The kind and the words of a fault.
pub(super) fn fault_of(fault: &(dyn Error + 'static)) -> Fault {
    let mut text = fault.to_string();
    let mut is_reset = fault.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message);
    let mut next = Some(fault);
    while let Some(cause) = next {
        if let Some(cause) = cause.downcast_ref::<io::Error>() {
            is_reset |= matches!(
                cause.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::NotConnected
            );
        }
        next = cause.source();
        if let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
        }
    }
    if is_reset { Fault::Reset(text) } else { Fault::Other(text) }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
