//! The body of a request on its way to an endpoint: bounded in size, and in how long its client may be silent.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

/// The body of a request.
#[derive(Debug)]
pub(crate) enum RequestBody {
    /// None; such a request can be made twice.
    Empty,
    /// As the client sends it.
    Client(Box<ClientBody>),
}

/// A body that a client sends.
#[derive(Debug)]
pub(crate) struct ClientBody {
    body: Incoming,
    /// Bytes that may still come.
    left: u64,
    silence: Duration,
    /// Made when the client has to be waited for; most bodies are there with their head.
    timer: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
    cut: Arc<OnceLock<Cut>>,
}

/// Why a body did not reach its end. None of it is an endpoint's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Cut {
    /// It is larger than the port takes.
    #[error("the body is larger than allowed")]
    TooLarge,
    /// Nothing came for too long.
    #[error("the client was silent for too long")]
    Silent,
    /// The client's connection or stream broke.
    #[error("the client did not send all of the body")]
    Broken,
}

impl RequestBody {
    /// A client's body of at most `bytes_max`, between whose parts at most `silence` passes. The second is set when it is
    /// cut short.
    pub(crate) fn new(
        body: Incoming,
        bytes_max: Option<u64>,
        silence: Duration,
    ) -> (Self, Arc<OnceLock<Cut>>) {
        let cut = Arc::new(OnceLock::new());
        if body.is_end_stream() {
            return (Self::Empty, cut);
        }
        let left = bytes_max.unwrap_or(u64::MAX);
        let body = ClientBody { body, left, silence, timer: None, is_waiting: false, cut: cut.clone() };
        (Self::Client(Box::new(body)), cut)
    }
}

impl ClientBody {
    fn end(&mut self, cut: Cut) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        // The first cause is the one that counts.
        let _ = self.cut.set(cut);
        Poll::Ready(Some(Err(cut)))
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.is_waiting = false;
                match frame {
                    None => Poll::Ready(None),
                    Some(Err(_)) => self.end(Cut::Broken),
                    Some(Ok(frame)) => {
                        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                        match self.left.checked_sub(length) {
                            Some(left) => self.left = left,
                            None => return self.end(Cut::TooLarge),
                        }
                        Poll::Ready(Some(Ok(frame)))
                    }
                }
            }
            Poll::Pending => {
                let silence = self.silence;
                let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(silence)));
                if !self.is_waiting {
                    timer.as_mut().reset(Instant::now() + silence);
                    self.is_waiting = true;
                }
                ready!(timer.as_mut().poll(cx));
                self.end(Cut::Silent)
            }
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Client(body) => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Client(client) => client.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Client(client) => client.body.size_hint(),
        }
    }
}
