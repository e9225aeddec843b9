//! Bodies of responses. One that comes from an endpoint keeps its request counted as in flight until it has ended, and
//! then gives the connection back; one that is given up closes the connection.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::multiplex::Stream;
use crate::pool::Connection;
use crate::upstream::Lease;

/// The body of a response to a client.
#[derive(Debug)]
pub(crate) enum ResponseBody {
    /// A text of the proxy's own.
    Own(Full<Bytes>),
    /// What an endpoint answers.
    Upstream(Counted),
}

/// A body from an endpoint, with what is held until it ends.
#[derive(Debug)]
pub(crate) struct Counted {
    body: Incoming,
    held: Option<(Lease, Carrier)>,
}

/// What carries an answer, for as long as it comes.
#[derive(Debug)]
pub(crate) enum Carrier {
    /// An HTTP/1.1 connection; none where it is over with the answer.
    Connection(Option<Connection>),
    /// A place on an HTTP/2 connection.
    Stream(Stream),
}

impl Counted {
    /// Holds `lease` and `carrier` until `body` has ended.
    pub(crate) fn new(body: Incoming, lease: Lease, carrier: Carrier) -> Self {
        Self { body, held: Some((lease, carrier)) }
    }

    fn ended(&mut self) {
        match self.held.take() {
            Some((lease, Carrier::Connection(Some(connection)))) => lease.upstream.pool.give_back(connection),
            // Its place is free again.
            Some((_, Carrier::Stream(stream))) => drop(stream),
            Some((_, Carrier::Connection(None))) | None => {}
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // A body of known length is dropped without being asked for its end, and one of length 0 is never asked at all.
        if self.body.is_end_stream() {
            self.ended();
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Own(body) => Pin::new(body)
                .poll_frame(cx)
                .map(|frame| frame.map(|read| read.map_err(|never| match never {}))),
            Self::Upstream(counted) => {
                let frame = ready!(Pin::new(&mut counted.body).poll_frame(cx));
                match &frame {
                    None => counted.ended(),
                    Some(Ok(_)) if counted.body.is_end_stream() => counted.ended(),
                    Some(Ok(_)) => {}
                    Some(Err(_)) => counted.held = None,
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Upstream(counted) => counted.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(body) => body.size_hint(),
            Self::Upstream(counted) => counted.body.size_hint(),
        }
    }
}
