//! What the blocks of the three provisioners, and `connection`, may hold.
//!
//! What holds between arguments is no part of it: an argument that is null counts as left out, and that shows only in its value.

use std::sync::LazyLock;

use lang::schema::{Attribute, Block, Rule};
use value::Type;

/// The provisioner that runs a command here.
pub(crate) const LOCAL_EXEC: &str = "local-exec";
/// The provisioner that runs scripts there.
pub(crate) const REMOTE_EXEC: &str = "remote-exec";
/// The provisioner that uploads.
pub(crate) const FILE: &str = "file";
/// All of them.
pub(crate) const KINDS: [&str; 3] = [LOCAL_EXEC, REMOTE_EXEC, FILE];

/// The schema of a kind.
pub(crate) fn of(kind: &str) -> Option<&'static Block> {
    match kind {
        LOCAL_EXEC => Some(&LOCAL_EXEC_BLOCK),
        REMOTE_EXEC => Some(&REMOTE_EXEC_BLOCK),
        FILE => Some(&FILE_BLOCK),
        _ => None,
    }
}

/// The schema of `connection`.
pub(crate) fn connection() -> &'static Block {
    &CONNECTION_BLOCK
}

static LOCAL_EXEC_BLOCK: LazyLock<Block> = LazyLock::new(|| Block {
    doc: "Runs a command on the machine that runs Mainstay.".into(),
    attributes: vec![
        Attribute::required("command", Type::String, "The command, as the last argument of the interpreter."),
        Attribute::optional(
            "interpreter",
            Type::list(Type::String),
            "The program that gets the command, and its first arguments. Default: `/bin/sh -c`.",
        ),
        Attribute::optional(
            "working_dir",
            Type::String,
            "Where it runs; relative to the root module. Default: the root module.",
        ),
        Attribute::optional(
            "environment",
            Type::map(Type::String),
            "Environment variables beside those of Mainstay's own process.",
        ),
        Attribute::optional("quiet", Type::Bool, "Whether the command itself is not shown; its output is."),
    ],
    ..Block::default()
});

static REMOTE_EXEC_BLOCK: LazyLock<Block> = LazyLock::new(|| Block {
    doc: "Runs scripts on another machine.".into(),
    attributes: vec![
        Attribute::optional("inline", Type::list(Type::String), "Commands that together are one script."),
        Attribute::optional("script", Type::String, "The path of a script on this machine."),
        Attribute::optional(
            "scripts",
            Type::list(Type::String),
            "Paths of scripts on this machine, in the order in which they run.",
        ),
    ],
    ..Block::default()
});

static FILE_BLOCK: LazyLock<Block> = LazyLock::new(|| Block {
    doc: "Uploads a file or a folder to another machine.".into(),
    attributes: vec![
        Attribute::optional(
            "source",
            Type::String,
            "A file or folder on this machine. A folder with a `/` at its end means what is in it.",
        ),
        Attribute::optional("content", Type::String, "The text that the destination will hold."),
        Attribute::required("destination", Type::String, "The path on the other machine."),
    ],
    ..Block::default()
});

static CONNECTION_BLOCK: LazyLock<Block> = LazyLock::new(|| {
    let text = |name: &'static str, doc: &'static str| Attribute::optional(name, Type::String, doc);
    let secret =
        |name: &'static str, doc: &'static str| Attribute::optional(name, Type::String, doc).sensitive();
    let flag = |name: &'static str, doc: &'static str| Attribute::optional(name, Type::Bool, doc);
    let port = |name: &'static str, doc: &'static str| {
        Attribute::optional(name, Type::Number, doc).rule(Rule::Whole { min: 0, max: 65_535 })
    };
    Block {
        doc: "How another machine is reached.".into(),
        attributes: vec![
            text("type", "`ssh`. Default: `ssh`. `winrm` is not supported."),
            Attribute::required("host", Type::String, "The machine's name or address."),
            port("port", "The port. Default: 22."),
            text("user", "Who logs in. Default: `root`."),
            secret("password", "The password, for the methods `password` and `keyboard-interactive`."),
            secret(
                "private_key",
                "The private key's text: OpenSSH, PKCS#1, PKCS#8 or SEC1, without a passphrase.",
            ),
            text("certificate", "The certificate's text, signed for the private key."),
            flag("agent", "Whether the SSH agent is asked. Default: whether `SSH_AUTH_SOCK` is set."),
            text(
                "agent_identity",
                "The agent's key to try first: its comment, its public key, or the path of a file with one.",
            ),
            text(
                "host_key",
                "The machine's public key, or that of the authority that signed it. Without it any key is accepted.",
            ),
            text("timeout", "How long to try to connect. Default: `5m`."),
            text("script_path", "Where scripts go there. `%RAND%` is a random number."),
            text("target_platform", "`unix`. Default: `unix`. `windows` is not supported."),
            text("bastion_host", "The machine through which the connection goes."),
            text("bastion_host_key", "As `host_key`, for the bastion."),
            port("bastion_port", "The bastion's port. Default: `port`."),
            text("bastion_user", "Who logs in at the bastion. Default: `user`."),
            secret("bastion_password", "The password at the bastion. Default: `password`."),
            secret("bastion_private_key", "The private key for the bastion. Default: `private_key`."),
            text(
                "bastion_certificate",
                "The certificate for the bastion. Default: `certificate`, where the key is the same.",
            ),
            text("proxy_scheme", "`http` or `socks5`. `https` is not supported."),
            text("proxy_host", "The proxy through which the first connection goes."),
            port("proxy_port", "The proxy's port."),
            text("proxy_user_name", "Who logs in at the proxy."),
            secret("proxy_user_password", "The password at the proxy."),
            flag("https", "For `winrm` only."),
            flag("insecure", "For `winrm` only."),
            flag("use_ntlm", "For `winrm` only."),
            text("cacert", "For `winrm` only."),
        ],
        has_sensitive: true,
        ..Block::default()
    }
});
