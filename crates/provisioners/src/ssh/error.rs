//! What goes wrong on the way to another machine.

/// Why something over SSH did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SshError {
    /// The protocol, or the connection under it.
    #[error(transparent)]
    Protocol(#[from] russh::Error),
    /// The machine could not be dialled.
    #[error("dial tcp {address}: {cause}")]
    Dial { address: String, cause: std::io::Error },
    /// The proxy did not connect us.
    #[error("proxy {address}: {cause}")]
    Proxy { address: String, cause: String },
    /// The bastion did not connect us.
    #[error("the bastion cannot reach {address}: {cause}")]
    Forward { address: String, cause: russh::Error },
    /// The machine is not the one that was meant.
    #[error("SSH authentication failed ({login}): the host key does not match: {cause}")]
    HostKey { login: String, cause: String },
    /// Nobody lets us in.
    #[error(
        "SSH authentication failed ({login}): unable to authenticate, attempted methods [{tried}]{causes}"
    )]
    Refused { login: String, tried: String, causes: String },
    /// The agent was asked for, and is not there.
    #[error("Error connecting to SSH_AUTH_SOCK: {0}")]
    Agent(String),
    /// Something did not answer.
    #[error("no answer within {:.0} s", allowed.as_secs_f64())]
    Silent { allowed: std::time::Duration },
    /// A command could not be started there.
    #[error("the command was not accepted by the SSH server")]
    NotStarted,
    /// The connection ended before a command did.
    #[error("the connection was lost before the command ended")]
    Lost,
    /// What is to be sent could not be read here.
    #[error(transparent)]
    Read(std::io::Error),
    /// Somebody wanted it to end.
    #[error("interrupted")]
    Interrupted,
}
