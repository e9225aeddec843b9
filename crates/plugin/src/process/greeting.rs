//! The first line that a provider writes: which protocol it speaks, and where it listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::wire::Protocol;

/// The version of the protocol by which a plugin of any kind is greeted.
const CORE: &str = "1";

/// What a provider says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Greeting {
    pub(super) protocol: Protocol,
    pub(super) place: Place,
    /// The only certificate that it may show, DER.
    pub(super) certificate: Option<Vec<u8>>,
}

/// Where a provider listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A socket in the file system.
    Unix(PathBuf),
    /// A port of this machine.
    Tcp(SocketAddr),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Tcp(address) => address.fmt(f),
        }
    }
}

impl Greeting {
    /// `1|6|unix|/tmp/plugin123|grpc|MIIB…`; the error says what is wrong with it.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let mut parts = line.split('|');
        let mut next = || parts.next().map(str::trim);
        let core = next();
        let (Some(protocol), Some(network), Some(address)) = (next(), next(), next()) else {
            return Err(format!("it greets with {line:?}"));
        };
        if core != Some(CORE) {
            return Err(format!("it greets by version {} of plugins, not {CORE}", core.unwrap_or("")));
        }
        let number = protocol.parse().ok();
        let protocol = number.and_then(Protocol::of_number).ok_or_else(|| {
            format!("it speaks version {protocol} of the provider protocol, and 5 and 6 are understood")
        })?;
        let place = match network {
            "unix" => Place::Unix(address.into()),
            "tcp" => {
                let address: SocketAddr =
                    address.parse().map_err(|_| format!("it listens at {address:?}, which is no address"))?;
                if !address.ip().is_loopback() {
                    return Err(format!("it listens at {address}, which is open to other machines"));
                }
                Place::Tcp(address)
            }
            other => return Err(format!("it listens on a network {other:?}")),
        };
        if let Some(kind) = next().filter(|kind| *kind != "grpc") {
            return Err(format!("it speaks {kind:?}, not gRPC"));
        }
        let certificate = match next() {
            None | Some("") => None,
            // Some write the padding that others leave out.
            Some(text) => Some(
                STANDARD_NO_PAD
                    .decode(text.trim_end_matches('='))
                    .map_err(|error| format!("its certificate cannot be read: {error}"))?,
            ),
        };
        if certificate.is_none() && matches!(place, Place::Tcp(_)) {
            return Err(
                "it shows no certificate, and anybody on this machine could answer in its place".into()
            );
        }
        Ok(Self { protocol, place, certificate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_names_protocol_place_and_certificate() {
        let greeting = Greeting::parse("1|5|unix|/tmp/p|grpc|AQID").unwrap();
        assert_eq!(greeting.protocol, Protocol::V5);
        assert_eq!(greeting.place, Place::Unix("/tmp/p".into()));
        assert_eq!(greeting.certificate.as_deref(), Some(&[1, 2, 3][..]));
        assert!(Greeting::parse("1|6|tcp|127.0.0.1:1234|grpc|AQI=").is_ok());
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let why = |line: &str| Greeting::parse(line).unwrap_err();
        assert_eq!(why("hello"), "it greets with \"hello\"");
        assert_eq!(
            why("1|4|unix|/x|grpc|"),
            "it speaks version 4 of the provider protocol, and 5 and 6 are understood"
        );
        assert_eq!(why("2|5|unix|/x|grpc|"), "it greets by version 2 of plugins, not 1");
        assert_eq!(why("1|5|unix|/x|netrpc|"), "it speaks \"netrpc\", not gRPC");
        assert!(why("1|5|tcp|10.0.0.1:1|grpc|AQID").contains("open to other machines"));
        assert!(why("1|5|tcp|127.0.0.1:1|grpc|").contains("no certificate"));
    }
}
