//! Log lines as they arrive: one JSON object in each line. It neither sorts nor merges; the agent does.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::SendRequest;

use crate::transport::{Body, Transport};
use crate::{ClientError, LogLine};

/// The longest line that is accepted: a log line has at most 16 KiB of text, six times that when every byte is escaped.
const LINE_BYTES_MAX: usize = 256 * 1024;

/// Log lines as the agent sends them. Dropping it ends the request.
pub struct LogStream {
    transport: Transport,
    body: Incoming,
    /// Held because the connection ends with its sender.
    _sender: Option<SendRequest<Body>>,
    rest: BytesMut,
    lines: VecDeque<Bytes>,
    over: bool,
}

impl LogStream {
    pub(crate) fn new(transport: Transport, body: Incoming, sender: Option<SendRequest<Body>>) -> Self {
        Self { transport, body, _sender: sender, rest: BytesMut::new(), lines: VecDeque::new(), over: false }
    }

    fn take(&mut self, bytes: &[u8]) {
        let searched = self.rest.len();
        self.rest.extend_from_slice(bytes);
        let mut from = searched;
        while let Some(at) = self.rest[from..].iter().position(|byte| *byte == b'\n') {
            let line = self.rest.split_to(from + at + 1).freeze();
            from = 0;
            if line.len() > 1 {
                self.lines.push_back(line);
            }
        }
    }

    fn broken(&mut self, cause: String) -> ClientError {
        self.over = true;
        self.transport.broken("GET /v1/logs", cause)
    }
}

impl Stream for LogStream {
    type Item = Result<LogLine, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Poll::Ready(Some(
                    serde_json::from_slice(&line).map_err(|fault| self.broken(fault.to_string())),
                ));
            }
            if self.over {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                None => self.over = true,
                Some(Err(fault)) => {
                    let broken = self.broken(fault.to_string());
                    return Poll::Ready(Some(Err(broken)));
                }
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.take(&bytes);
                    }
                    if self.rest.len() > LINE_BYTES_MAX {
                        let broken = self.broken("a log line without an end".into());
                        return Poll::Ready(Some(Err(broken)));
                    }
                }
            }
        }
    }
}
