//! The three provisioners as the engine sees them: which one a request is for, and what of its output may be seen.
//!
//! It reads no environment by itself but in [`StandardProvisioners::from_environment`].

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use diag::Diagnostic;
use engine::{ProvisionRequest, Provisioners};
use tokio_util::sync::CancellationToken;
use value::{Marks, Value};

use crate::arguments::Arguments;
use crate::connection::Connection;
use crate::fault::Fault;
use crate::{local_exec, remote_exec, schema, upload};

/// What a provisioner's output goes to, one line at a time, without its end.
pub(crate) type Output<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// `local-exec`, `remote-exec` and `file`.
#[derive(Debug, Clone)]
pub struct StandardProvisioners {
    /// Where an SSH agent listens: what `SSH_AUTH_SOCK` says.
    pub agent_socket: Option<PathBuf>,
    /// What `~/` stands for in the paths of this machine.
    pub home: Option<PathBuf>,
    /// How long a program has to end after an interrupt before it is killed or hung up.
    pub grace: Duration,
}

/// Enough for a program to remove what it was writing.
const GRACE: Duration = Duration::from_secs(10);

impl Default for StandardProvisioners {
    fn default() -> Self {
        Self { agent_socket: None, home: None, grace: GRACE }
    }
}

impl StandardProvisioners {
    /// As this process's environment has it: `SSH_AUTH_SOCK` and `HOME`.
    #[must_use]
    pub fn from_environment() -> Self {
        let path = |name| std::env::var_os(name).filter(|p| !p.is_empty()).map(PathBuf::from);
        Self { agent_socket: path("SSH_AUTH_SOCK"), home: path("HOME"), ..Self::default() }
    }

    /// What is wrong between the arguments of a provisioner, as far as it shows already: values may be unknown.
    #[must_use]
    pub fn validate(&self, kind: &str, configuration: &Value) -> Vec<Diagnostic> {
        let given = |names: &[&str]| {
            let values: Vec<_> = names.iter().filter_map(|name| configuration.get(name)).collect();
            let certain = values.iter().filter(|v| v.is_known() && !v.is_null()).count();
            (certain, values.iter().filter(|v| !v.is_null()).count())
        };
        let wrong = |message: &str| {
            vec![Diagnostic::error("invalid-provisioner-argument", message).hint("give exactly one of them")]
        };
        match kind {
            schema::REMOTE_EXEC => match given(&["inline", "script", "scripts"]) {
                (2.., _) | (_, 0) => wrong(remote_exec::ONE_OF),
                _ => Vec::new(),
            },
            schema::FILE => match given(&["source", "content"]) {
                (2.., _) => wrong(upload::BOTH),
                (_, 0) => wrong(upload::NEITHER),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// A path of this machine as a configuration gives it: `~/` is the home folder, and what is relative is inside the root module.
    pub(crate) fn local_path(&self, request: &ProvisionRequest, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => request.folder.join(path),
        }
    }

    /// The connection that a request comes with, read and with its faults found.
    pub(crate) fn connection(&self, request: &ProvisionRequest) -> Result<Connection, Fault> {
        match &request.connection {
            Some(value) if !value.is_null() => Connection::read(value, self),
            _ => Err(Fault::new("missing-connection", "Missing connection configuration for provisioner.")
                .hint("add a `connection` block to the resource or to the provisioner")),
        }
    }
}

#[async_trait]
impl Provisioners for StandardProvisioners {
    fn schema(&self, kind: &str) -> Option<&lang::schema::Block> {
        schema::of(kind)
    }

    fn connection_schema(&self) -> &lang::schema::Block {
        schema::connection()
    }

    async fn run(
        &self,
        request: &ProvisionRequest,
        output: &(dyn for<'line> Fn(&'line str) + Send + Sync),
        cancelled: &CancellationToken,
    ) -> Result<(), Diagnostic> {
        let hidden = hidden(&request.configuration);
        let shown = |line: &str| match hidden {
            Some(marks) => output(&format!("(output suppressed due to {marks} value in config)")),
            None => output(line),
        };
        let outcome = match schema::of(&request.kind) {
            None => Err(unknown_kind(&request.kind)),
            Some(block) => {
                let arguments = Arguments::new(&request.configuration, block, "");
                match &*request.kind {
                    schema::LOCAL_EXEC => {
                        local_exec::run(self, request, arguments, hidden, &shown, cancelled).await
                    }
                    schema::REMOTE_EXEC => {
                        remote_exec::run(self, request, arguments, &shown, cancelled).await
                    }
                    schema::FILE => upload::run(self, request, arguments, cancelled).await,
                    _ => Err(unknown_kind(&request.kind)),
                }
            }
        };
        outcome.map_err(|fault| fault.of(request))
    }
}

fn unknown_kind(kind: &str) -> Fault {
    let hint = match diag::closest(kind, schema::KINDS) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("it is one of `{}`", schema::KINDS.join("`, `")),
    };
    Fault::new("unknown-provisioner", format!("there is no provisioner `{kind}`")).hint(hint)
}

/// Why a configuration's output may not be seen, in words; `None` where it may.
fn hidden(configuration: &Value) -> Option<&'static str> {
    let marks = configuration.marks_deep();
    match (marks.contains(Marks::SENSITIVE), marks.contains(Marks::EPHEMERAL)) {
        (true, true) => Some("sensitive, ephemeral"),
        (true, false) => Some("sensitive"),
        (false, true) => Some("ephemeral"),
        (false, false) => None,
    }
}
