//! `TF_REATTACH_PROVIDERS`: providers that run already, started by a debugger or a test, and how they are reached. Nothing is connected
//! to here.

use std::collections::BTreeMap;

use diag::Diagnostic;
use lang::ProviderAddress;
use serde::Deserialize;

/// The variable of the environment.
pub(crate) const VARIABLE: &str = "TF_REATTACH_PROVIDERS";

/// A provider that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reattach {
    /// What is spoken: `grpc`.
    pub protocol: String,
    /// The version of the provider protocol, 5 or 6.
    pub protocol_version: u32,
    /// The process.
    pub pid: u32,
    /// Whether it is a test's, which ends it: it is not to be ended by who uses it.
    pub is_test: bool,
    /// Where it listens.
    pub address: ReattachAddress,
}

/// Where a provider listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReattachAddress {
    /// The path of a socket.
    Unix(String),
    /// A host and a port.
    Tcp(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    protocol: String,
    // Older providers do not say it, and speak version 5.
    #[serde(default)]
    protocol_version: u32,
    pid: u32,
    #[serde(default)]
    test: bool,
    addr: WrittenAddress,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WrittenAddress {
    network: String,
    string: String,
}

/// Reads the variable's value.
#[expect(clippy::result_large_err, reason = "a fault is rare, and told at once")]
pub(crate) fn read(text: &str) -> Result<BTreeMap<ProviderAddress, Reattach>, Diagnostic> {
    let wrong = |cause: String| {
        Diagnostic::error("reattach", format!("{VARIABLE} cannot be understood"))
            .summary("Invalid reattach configuration")
            .because(cause)
            .hint("set it to what the running provider has printed, or unset it")
    };
    let written: BTreeMap<String, Written> = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
    let mut found = BTreeMap::new();
    for (source, it) in written {
        let provider = ProviderAddress::of_source(&source);
        super::check_address(&provider).map_err(|cause| wrong(format!("{source}: {cause}")))?;
        let address = match it.addr.network.as_str() {
            "unix" => ReattachAddress::Unix(it.addr.string),
            "tcp" => ReattachAddress::Tcp(it.addr.string),
            other => return Err(wrong(format!("{source}: `{other}` is neither `unix` nor `tcp`"))),
        };
        let protocol_version = match it.protocol_version {
            0 => 5,
            version @ (5 | 6) => version,
            other => return Err(wrong(format!("{source}: there is no provider protocol {other}"))),
        };
        if it.protocol != "grpc" {
            return Err(wrong(format!("{source}: `{}` is not spoken, only `grpc`", it.protocol)));
        }
        let running =
            Reattach { protocol: it.protocol, protocol_version, pid: it.pid, is_test: it.test, address };
        found.insert(provider, running);
    }
    Ok(found)
}
