//! What a `connection` block says: where to, by which way, as whom, and whom to believe.
//!
//! Keys are read here, before anything is dialled: what can be wrong without a network is told without one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::{Certificate, PrivateKey, PublicKey, decode_secret_key};
use value::Value;

use crate::arguments::Arguments;
use crate::fault::Fault;
use crate::schema;
use crate::standard::StandardProvisioners;

/// How long to try to connect where nothing is said; Terraform's own default.
const TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Where scripts go where nothing is said; Terraform's own default.
const SCRIPT_PATH: &str = "/tmp/terraform_%RAND%.sh";

/// A connection to be made. Holds secrets, and so has no `Debug`.
pub(crate) struct Connection {
    /// Where scripts and files go.
    pub(crate) target: Machine,
    /// Through which machine.
    pub(crate) bastion: Option<Machine>,
    /// Through which proxy the first of them is reached.
    pub(crate) proxy: Option<Proxy>,
    /// How long to try.
    pub(crate) timeout: Duration,
    /// Where scripts go there, with `%RAND%` in it as it was given.
    pub(crate) script_path: String,
    /// How long a command has to end after an interrupt.
    pub(crate) grace: Duration,
}

/// A machine that is logged in to.
pub(crate) struct Machine {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) key: Option<Arc<PrivateKey>>,
    pub(crate) certificate: Option<Certificate>,
    pub(crate) agent: Option<Agent>,
    /// The machine's key, or its authority's. `None`: any key is accepted, as Terraform documents.
    pub(crate) host_key: Option<PublicKey>,
}

/// The SSH agent.
#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) socket: PathBuf,
    /// The key to try first.
    pub(crate) identity: Option<String>,
    /// Whether the configuration asks for it by name: then its absence is a fault.
    pub(crate) asked_for: bool,
}

/// A proxy.
pub(crate) struct Proxy {
    pub(crate) scheme: ProxyScheme,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
}

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProxyScheme {
    Http,
    Socks5,
}

impl Connection {
    /// Of a block's object.
    pub(crate) fn read(value: &Value, own: &StandardProvisioners) -> Result<Self, Fault> {
        let mut given = Arguments::new(value, schema::connection(), "connection.");
        match given.filled("type").as_deref() {
            None | Some("ssh") => {}
            Some("winrm") => {
                return Err(Fault::new(
                    "unsupported-connection",
                    "connection type 'winrm' is not supported: Mainstay connects over SSH only",
                )
                .hint("Windows has an OpenSSH server, but provisioners need a Unix shell; run them from a local-exec"));
            }
            // Whoever mistypes it may well have put a secret there; the text is not repeated.
            Some(_) => given.fault("type", "is not a connection type; it is `ssh`"),
        }
        match given.filled("target_platform").as_deref() {
            None | Some("unix") => {}
            Some("windows") => given.fault("target_platform", "`windows` is not supported; only `unix` is"),
            Some(_) => given.fault("target_platform", "has to be either unix or windows"),
        }
        let agent = agent(&mut given, own);
        let target = target(&mut given, agent.clone());
        let bastion = bastion(&mut given, &target, agent);
        let proxy = proxy(&mut given);
        let timeout = match given.filled("timeout") {
            None => TIMEOUT,
            Some(text) => duration(&text).unwrap_or_else(|| {
                given.fault("timeout", "is not a duration such as `30s` or `5m`");
                TIMEOUT
            }),
        };
        let script_path = given.filled("script_path").unwrap_or_else(|| SCRIPT_PATH.to_owned());
        given.finish()?;
        Ok(Self { target, bastion, proxy, timeout, script_path, grace: own.grace })
    }
}

fn agent(given: &mut Arguments<'_>, own: &StandardProvisioners) -> Option<Agent> {
    let wanted = given.flag("agent");
    let identity = given.filled("agent_identity");
    if wanted == Some(false) {
        return None;
    }
    if wanted == Some(true) && own.agent_socket.is_none() {
        given.fault("agent", "is true, but SSH_AUTH_SOCK is not set; start an agent or set it to false");
    }
    let socket = own.agent_socket.clone()?;
    Some(Agent { socket, identity, asked_for: wanted == Some(true) })
}

fn target(given: &mut Arguments<'_>, agent: Option<Agent>) -> Machine {
    let key = private_key(given, "private_key");
    let certificate = certificate(given, "certificate");
    if certificate.is_some() && key.is_none() {
        given.fault("certificate", "needs the `private_key` that it was signed for");
    }
    Machine {
        host: unbracketed(given.required("host")),
        port: given.port("port").unwrap_or(22),
        user: given.filled("user").unwrap_or_else(|| "root".to_owned()),
        password: given.filled("password"),
        key,
        certificate,
        agent,
        host_key: host_key(given, "host_key"),
    }
}

/// What is not said about the bastion is as at the target; but a certificate goes only with the key that it was signed for.
fn bastion(given: &mut Arguments<'_>, target: &Machine, agent: Option<Agent>) -> Option<Machine> {
    let host = given.filled("bastion_host");
    let own_key = private_key(given, "bastion_private_key");
    let own_certificate = certificate(given, "bastion_certificate");
    let certificate = match (&own_certificate, &own_key) {
        (None, None) => target.certificate.clone(),
        _ => own_certificate,
    };
    let machine = Machine {
        host: unbracketed(host.clone().unwrap_or_default()),
        port: given.port("bastion_port").unwrap_or(target.port),
        user: given.filled("bastion_user").unwrap_or_else(|| target.user.clone()),
        password: given.filled("bastion_password").or_else(|| target.password.clone()),
        key: own_key.or_else(|| target.key.clone()),
        certificate,
        agent,
        host_key: host_key(given, "bastion_host_key"),
    };
    if machine.certificate.is_some() && machine.key.is_none() {
        given.fault("bastion_certificate", "needs the `bastion_private_key` that it was signed for");
    }
    host.map(|_| machine)
}

fn proxy(given: &mut Arguments<'_>) -> Option<Proxy> {
    let host = given.filled("proxy_host");
    let scheme = given.filled("proxy_scheme");
    let port = given.port("proxy_port");
    let user = given.filled("proxy_user_name");
    let password = given.filled("proxy_user_password");
    let host = host?;
    let scheme = match scheme.as_deref() {
        None | Some("http") => ProxyScheme::Http,
        Some("socks5") => ProxyScheme::Socks5,
        Some("https") => {
            given.fault("proxy_scheme", "`https` is not supported; `http` and `socks5` are");
            ProxyScheme::Http
        }
        Some(_) => {
            given.fault("proxy_scheme", "is not a scheme; `http` and `socks5` are");
            ProxyScheme::Http
        }
    };
    if port.is_none() {
        given.fault("proxy_port", "has to be given with `proxy_host`");
    }
    Some(Proxy { scheme, host: unbracketed(host), port: port.unwrap_or_default(), user, password })
}

/// An IPv6 address may be written in brackets.
fn unbracketed(host: String) -> String {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.to_owned(),
        None => host,
    }
}

fn private_key(given: &mut Arguments<'_>, name: &str) -> Option<Arc<PrivateKey>> {
    let text = given.filled(name)?;
    let text = text.replace("\r\n", "\n");
    if text.contains("ENCRYPTED") {
        given.fault(name, ENCRYPTED);
        return None;
    }
    // The errors of a key's text may quote it: only their kind is told.
    match decode_secret_key(text.trim(), None) {
        Ok(key) if key.is_encrypted() => given.fault(name, ENCRYPTED),
        Ok(key) => return Some(Arc::new(key)),
        Err(russh::keys::Error::KeyIsEncrypted) => given.fault(name, ENCRYPTED),
        Err(_) => given.fault(
            name,
            "Failed to read ssh private key: no key found. It is the key's text, not its path: use `file(…)`",
        ),
    }
    None
}

const ENCRYPTED: &str =
    "the key has a passphrase, which is not supported; decrypt it, or add it to an SSH agent";

fn certificate(given: &mut Arguments<'_>, name: &str) -> Option<Certificate> {
    let text = given.filled(name)?;
    let certificate = Certificate::from_openssh(text.trim()).ok();
    if certificate.is_none() {
        given.fault(name, "is not an OpenSSH certificate's text; use `file(…-cert.pub)`");
    }
    certificate
}

fn host_key(given: &mut Arguments<'_>, name: &str) -> Option<PublicKey> {
    let text = given.filled(name)?;
    let key = PublicKey::from_openssh(text.trim()).ok();
    if key.is_none() {
        given.fault(name, "is not a public key such as `ssh-ed25519 AAAA…`");
    }
    key
}

/// A duration as Terraform writes it: numbers with units, such as `1h30m`, `1.5s`.
fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 7] =
        [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let (mut rest, mut seconds) = (text, 0.0);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let (unit, after) =
            after.split_at(after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len()));
        let factor = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        seconds += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn durations_are_read_as_terraform_writes_them() {
        let check = |text: &str, expect: Option<u64>| {
            assert_eq!(super::duration(text), expect.map(Duration::from_millis), "{text}");
        };
        check("5m", Some(300_000));
        check("1h30m", Some(5_400_000));
        check("1.5s", Some(1_500));
        check("250ms", Some(250));
        check("5", None);
        check("", None);
        check("m", None);
        check("5 m", None);
        check("1.2.3s", None);
    }
}
