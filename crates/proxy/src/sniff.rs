//! What a client speaks, by the first bytes of its connection, which stay unread. It answers nothing.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;

/// What a connection begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// A TLS handshake.
    Tls,
    /// HTTP/2 with prior knowledge: the preface (RFC 9113, 3.4).
    Http2,
    /// Anything else, which HTTP/1.1 answers.
    Http1,
}

/// The first byte of a TLS record that holds a handshake (RFC 8446, 5.1). No method of HTTP begins with it.
const TLS_HANDSHAKE: u8 = 0x16;

/// How the preface of HTTP/2 begins: a method that HTTP/1.1 has reserved for it.
const PREFACE: &[u8; 3] = b"PRI";

/// How long to wait for the rest of the preface. It comes in one packet from all but a client that means ill.
const REST_STEP: Duration = Duration::from_millis(10);

/// Looks at the first bytes of a connection once they are there.
///
/// # Errors
/// If the connection ends or breaks before.
pub(crate) async fn sniff(stream: &TcpStream) -> io::Result<Opening> {
    let mut bytes = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut bytes).await?;
        match decide(&bytes[..count]) {
            Some(opening) => return Ok(opening),
            None if count == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            // The socket says that it can be read, and so would at once again.
            None => tokio::time::sleep(REST_STEP).await,
        }
    }
}

/// None: more bytes are needed.
fn decide(bytes: &[u8]) -> Option<Opening> {
    match bytes {
        [] => None,
        [TLS_HANDSHAKE, ..] => Some(Opening::Tls),
        all if all == PREFACE => Some(Opening::Http2),
        some if PREFACE.starts_with(some) => None,
        _ => Some(Opening::Http1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_bytes_tell_what_is_spoken() {
        assert_eq!(decide(b""), None);
        assert_eq!(decide(b"P"), None);
        assert_eq!(decide(b"PR"), None);
        assert_eq!(decide(b"PRI"), Some(Opening::Http2));
        for method in [&b"PRO"[..], b"PO", b"GET", b"G", b"\x80\x2e"] {
            assert_eq!(decide(method), Some(Opening::Http1), "{method:?}");
        }
        assert_eq!(decide(&[0x16]), Some(Opening::Tls));
        assert_eq!(decide(&[0x16, 3, 1]), Some(Opening::Tls));
    }
}
