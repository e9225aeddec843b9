//! Connecting: dialling, the bastion, the machine's key and logging in, again and again until the time is over.
//!
//! A machine that was made a moment ago refuses connections, then keys, until it has started: every failure is tried again, as
//! Terraform does.

use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, Config, Handle};
use russh::{Disconnect, Limits};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::connection::{Connection, Machine, Proxy, ProxyScheme};
use crate::fault::Fault;
use crate::ssh::SshError;
use crate::ssh::authentication::authenticate;
use crate::ssh::host_key::{HostCheck, preferred};
use crate::ssh::proxy::{Stream, address, dial};
use crate::standard::Output;

/// The pause after the first failure; it doubles with each.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// The longest pause: a machine that is up is not left waiting.
const PAUSE_MAX: Duration = Duration::from_secs(20);

/// The longest that one attempt takes: a machine that accepted and then restarted never answers it.
const ATTEMPT_MAX: Duration = Duration::from_secs(60);

/// How often a silent connection is asked whether it is still there; after four times without an answer it is not.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// A connection that is logged in.
pub(crate) struct Session {
    pub(super) handle: Handle<HostCheck>,
    /// Carries the connection as long as it is there.
    bastion: Option<Handle<HostCheck>>,
    /// How long a command has to end after an interrupt.
    pub(super) grace: Duration,
}

impl Session {
    /// Says goodbye. What cannot be said any more does not matter.
    pub(crate) async fn close(self) {
        for handle in [Some(self.handle), self.bastion].into_iter().flatten() {
            let _ = handle.disconnect(Disconnect::ByApplication, "", "").await;
        }
    }
}

/// Connects, however often it takes within the connection's time.
pub(crate) async fn connect(
    connection: &Connection,
    output: Output<'_>,
    cancelled: &CancellationToken,
) -> Result<Session, Fault> {
    let deadline = Instant::now() + connection.timeout;
    let mut pause = PAUSE_MIN;
    loop {
        announce(connection, output);
        let until = deadline.min(Instant::now() + ATTEMPT_MAX);
        let allowed = until.duration_since(Instant::now());
        let attempt = tokio::time::timeout_at(until, attempt(connection));
        let failure = tokio::select! {
            outcome = attempt => match outcome {
                Ok(Ok(session)) => {
                    output("Connected!");
                    return Ok(session);
                }
                Ok(Err(error)) => error,
                Err(_) => SshError::Silent { allowed },
            },
            () = cancelled.cancelled() => return Err(Fault::interrupted()),
        };
        let failure = diag::with_causes(&failure);
        if Instant::now() + pause >= deadline {
            return Err(Fault::new("connection-failed", format!("timeout - last error: {failure}"))
                .hint("see that the machine runs an SSH server that this machine reaches, and lets this user in; `timeout` is how long it is tried"));
        }
        output(&format!("  Not connected yet: {failure}"));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = cancelled.cancelled() => return Err(Fault::interrupted()),
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// What is about to be tried, without anything secret.
fn announce(connection: &Connection, output: Output<'_>) {
    let login = |machine: &Machine| {
        output(&format!("  Host: {}", machine.host));
        output(&format!("  User: {}", machine.user));
        output(&format!("  Password: {}", machine.password.is_some()));
        output(&format!("  Private key: {}", machine.key.is_some()));
        output(&format!("  Certificate: {}", machine.certificate.is_some()));
        output(&format!("  SSH Agent: {}", machine.agent.is_some()));
        output(&format!("  Checking Host Key: {}", machine.host_key.is_some()));
    };
    output("Connecting to remote host via SSH...");
    login(&connection.target);
    output("  Target Platform: unix");
    if let Some(bastion) = &connection.bastion {
        output("Using configured bastion host...");
        login(bastion);
    }
    if let Some(Proxy { scheme, host, port, user, password }) = &connection.proxy {
        let scheme = match scheme {
            ProxyScheme::Http => "http",
            ProxyScheme::Socks5 => "socks5",
        };
        output(&format!("Using configured {scheme} proxy host..."));
        output(&format!("  ProxyHost: {host}"));
        output(&format!("  ProxyPort: {port}"));
        output(&format!("  ProxyUserName: {}", user.as_deref().unwrap_or_default()));
        output(&format!("  ProxyUserPassword: {}", password.is_some()));
    }
}

async fn attempt(connection: &Connection) -> Result<Session, SshError> {
    let target = &connection.target;
    let grace = connection.grace;
    let Some(bastion) = &connection.bastion else {
        let stream = dial(target, connection.proxy.as_ref()).await?;
        return Ok(Session { handle: log_in(stream, target).await?, bastion: None, grace });
    };
    let stream = dial(bastion, connection.proxy.as_ref()).await?;
    let bastion = log_in(stream, bastion).await?;
    let channel = bastion
        .channel_open_direct_tcpip(target.host.clone(), target.port.into(), "127.0.0.1", 0)
        .await
        .map_err(|cause| SshError::Forward { address: address(&target.host, target.port), cause })?;
    let handle = log_in(Box::new(channel.into_stream()), target).await?;
    Ok(Session { handle, bastion: Some(bastion), grace })
}

async fn log_in(stream: Box<dyn Stream>, machine: &Machine) -> Result<Handle<HostCheck>, SshError> {
    let config = Config {
        limits: Limits::default(),
        preferred: preferred(machine.host_key.as_ref()),
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: 4,
        ..Config::default()
    };
    let check =
        HostCheck { login: machine.login(), host: machine.host.clone(), expected: machine.host_key.clone() };
    let mut handle = client::connect_stream(Arc::new(config), stream, check).await?;
    authenticate(&mut handle, machine).await?;
    Ok(handle)
}

impl Machine {
    /// `user@host:port`, for messages.
    pub(crate) fn login(&self) -> String {
        format!("{}@{}", self.user, address(&self.host, self.port))
    }
}
