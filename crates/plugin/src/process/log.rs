//! What a provider writes to its standard error: lines for the log, of which the last are kept for whoever has to be told why it ended.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

/// Enough for the first frames of a Go program that panics.
const LINES_MAX: usize = 30;
/// A line that is longer is cut: nobody reads it whole.
const LINE_CHARS_MAX: usize = 2_000;

/// How long the rest of what was written takes to be read. What the provider has started may hold its end open for ever.
const REST_PATIENCE: Duration = Duration::from_millis(500);

/// The last lines of a provider's log.
#[derive(Clone, Default)]
pub(super) struct Log {
    lines: Arc<Mutex<VecDeque<String>>>,
    /// Whether everything was read; none where there is nothing to read.
    is_read: Option<watch::Receiver<bool>>,
}

impl Log {
    /// Reads until the end, in the background.
    pub(super) fn follow(from: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let (tell, is_read) = watch::channel(false);
        let log = Self { is_read: Some(is_read), ..Self::default() };
        let kept = log.clone();
        tokio::spawn(async move {
            let mut reader = BufReader::new(from);
            let mut line = Vec::new();
            // A broken pipe is the end like any other.
            while let Ok(1..) = reader.read_until(b'\n', &mut line).await {
                kept.line(&String::from_utf8_lossy(&line));
                line.clear();
            }
            let _ = tell.send(true);
        });
        log
    }

    /// Waits until all of it is read, once the process has ended.
    pub(super) async fn read(&self) {
        if let Some(mut is_read) = self.is_read.clone() {
            let _ = tokio::time::timeout(REST_PATIENCE, is_read.wait_for(|is_read| *is_read)).await;
        }
    }

    pub(super) fn last_words(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn line(&self, line: &str) {
        let line: String = line.trim_end().chars().take(LINE_CHARS_MAX).collect();
        if line.is_empty() {
            return;
        }
        // Providers log as JSON, line by line; such lines are for the log. What is not JSON was written by whatever went wrong.
        if let Ok(Json::Object(record)) = serde_json::from_str::<Json>(&line) {
            let text = |key: &str| record.get(key).and_then(Json::as_str).unwrap_or_default();
            let (message, module) = (text("@message"), text("@module"));
            match text("@level") {
                "error" => tracing::error!(target: "provider", module, "{message}"),
                "warn" => tracing::warn!(target: "provider", module, "{message}"),
                "info" => tracing::info!(target: "provider", module, "{message}"),
                "debug" => tracing::debug!(target: "provider", module, "{message}"),
                _ => tracing::trace!(target: "provider", module, "{message}"),
            }
            return;
        }
        tracing::debug!(target: "provider", "{line}");
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < LINES_MAX {
            lines.push_back(line);
        } else if let Some(last) = lines.back_mut() {
            // The first lines say what went wrong, the very last one how it ended.
            *last = line;
        }
    }
}
