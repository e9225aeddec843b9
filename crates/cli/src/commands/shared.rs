//! What commands have in common: opening the project, watching, ending. It names no command.

use engine::{Address, Target};
use operations::{Checks, Fault, HoldRequest, Report, Session, SessionOptions, Watch, Workspace};
use tokio_util::sync::CancellationToken;

use super::Context;
use crate::view::{self, Progress};
use crate::{exit, prompt};

impl Context<'_> {
    /// The project's configuration; invalid ones end here with all of their faults.
    fn workspace(&self, checks: Checks) -> Result<Workspace, Fault> {
        let workspace = Workspace::open(self.project.as_deref(), checks)?;
        view::warnings(self.screen, &workspace.warnings, &workspace.sources);
        Ok(workspace)
    }

    /// The project in one of its environments.
    pub async fn session(&self, variables: &[String], checks: Checks) -> Result<Session, Fault> {
        self.open(self.env.clone(), variables, checks).await
    }

    /// The project in the environment of this name.
    pub async fn session_in(
        &self,
        environment: &str,
        variables: &[String],
        checks: Checks,
    ) -> Result<Session, Fault> {
        self.open(Some(environment.to_owned()), variables, checks).await
    }

    /// The project in each of the environments: those that are named, or else those of `--env`, which may list several.
    pub async fn sessions(&self, names: &[String], variables: &[String]) -> Result<Vec<Session>, Fault> {
        let listed = self.env.as_deref().unwrap_or_default();
        let names: Vec<&str> = if names.is_empty() {
            listed.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
        } else {
            names.iter().map(String::as_str).collect()
        };
        if names.is_empty() {
            return Ok(vec![self.session(variables, Checks::Shape).await?]);
        }
        let mut sessions = Vec::new();
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) {
                return Err(Fault::usage(format!("`{name}` is named twice"), "name each environment once"));
            }
            sessions.push(self.session_in(name, variables, Checks::Shape).await?);
        }
        Ok(sessions)
    }

    async fn open(
        &self,
        environment: Option<String>,
        variables: &[String],
        checks: Checks,
    ) -> Result<Session, Fault> {
        let options =
            SessionOptions { environment, variables: variables.to_vec(), wiring: self.wiring.clone() };
        Session::open(self.workspace(checks)?, options).await
    }

    /// The project in one of its environments, for what looks at it or takes it back: an invalid configuration in the folder does not
    /// stand in the way.
    pub async fn standing(&self) -> Result<Session, Fault> {
        let options = SessionOptions {
            environment: self.env.clone(),
            variables: Vec::new(),
            wiring: self.wiring.clone(),
        };
        let (session, invalid) = Session::open_standing(self.project.as_deref(), options).await?;
        if invalid.is_some() {
            self.screen.note(
                "The configuration in the folder is invalid (`mainstay validate`); this goes by what was last deployed.",
            );
        }
        Ok(session)
    }

    /// Something to watch an operation with; Ctrl-C asks it to end in order.
    pub fn watch(&self) -> (Progress, Watch) {
        let progress = Progress::new(self.screen);
        let cancel = CancellationToken::new();
        let (screen, token, leave) = (*self.screen, cancel.clone(), self.leave.clone());
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                if let Some(code) = leave.code() {
                    screen.note("");
                    std::process::exit(i32::from(code));
                }
                screen.note(
                    "ending: what is under way is finished, nothing new is begun (again Ctrl-C: end at once)",
                );
                token.cancel();
                if tokio::signal::ctrl_c().await.is_ok() {
                    std::process::exit(i32::from(exit::FAILED));
                }
            }
        });
        let watch = Watch { events: progress.events(), cancel };
        (progress, watch)
    }

    /// Asks whether to go on.
    pub fn confirm(&self, question: &str, yes: bool) -> Result<bool, Fault> {
        prompt::confirm(question, yes, &self.leave)
    }

    /// Says what was done, in a sentence or as data.
    pub fn end_with(&self, text: &str, data: &serde_json::Value) {
        if self.screen.json { self.screen.data(data) } else { self.screen.line(text) }
    }

    /// Shows what came of a deployment, and answers its exit code.
    pub fn end(&self, report: Option<Report>) -> Result<u8, Fault> {
        match report {
            Some(report) => Ok(view::report(self.screen, &report)),
            None => {
                if self.screen.json {
                    self.screen.data(&serde_json::json!({ "event": "refused" }));
                }
                self.screen.note("Nothing was done.");
                Ok(exit::FAILED)
            }
        }
    }
}

/// The address of one instance of a resource; `stack.network.aws_vpc.main` is one of a stack's.
pub fn address(text: &str) -> Result<Address, Fault> {
    let full = match text.strip_prefix("stack.") {
        Some(rest) => format!("module.{rest}"),
        None => text.to_owned(),
    };
    full.parse().map_err(|e: engine::ParseAddressError| {
        Fault::usage(e.to_string(), "an address is written as the plan has it: `module.network.aws_vpc.main`")
    })
}

/// Addresses from the command line: `service.web`, or just `web` for the service; `stack.network` for a stack with all that is in it.
pub fn addresses(texts: &[String]) -> Result<Vec<Target>, Fault> {
    texts
        .iter()
        .map(|text| {
            let full = match text.strip_prefix("stack.") {
                Some(rest) => format!("module.{rest}"),
                None if text.contains('.') => text.clone(),
                None => format!("service.{text}"),
            };
            full.parse::<Target>()
                .map_err(|e| Fault::usage(e.to_string(), "see `mainstay plan` for the addresses"))
        })
        .collect()
}

/// Holds or lets go, and shows what is held then.
pub async fn hold(context: &Context<'_>, request: HoldRequest) -> Result<u8, Fault> {
    let session = context.standing().await?;
    let (progress, watch) = context.watch();
    let holds = operations::change_holds(&session, request, &watch).await;
    progress.finish();
    let holds = holds?;
    if context.screen.json {
        context
            .screen
            .data(&serde_json::json!({ "environment": session.environment.to_string(), "holds": holds }));
    } else if holds.is_empty() {
        context.screen.line(&format!("Nothing is held in {}.", session.environment));
    } else {
        view::holds(context.screen, &holds);
    }
    Ok(exit::DONE)
}
