//! One verb, one file.

pub mod adopt;
pub mod agent;
pub mod apply;
pub mod completion;
pub mod deploy;
pub mod destroy;
pub mod diff;
pub mod down;
pub mod explain;
pub mod fmt;
pub mod forget;
pub mod freeze;
pub mod history;
pub mod image;
pub mod init;
pub mod logs;
pub mod pin;
pub mod plan;
pub mod rollback;
pub mod status;
pub mod terraform;
pub mod thaw;
pub mod unpin;
pub mod up;
pub mod validate;

mod shared;

use clap::Subcommand;
use operations::{Fault, Wiring};

use crate::leave::Leave;
use crate::view::Screen;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    Init(init::Init),
    Validate(validate::Validate),
    Fmt(fmt::Fmt),
    Plan(plan::Plan),
    Apply(apply::Apply),
    Destroy(destroy::Destroy),
    Diff(diff::Diff),
    Explain(explain::Explain),
    Up(up::Up),
    Down(down::Down),
    Status(status::Status),
    Logs(logs::Logs),
    Deploy(deploy::Deploy),
    Rollback(rollback::Rollback),
    Pin(pin::Pin),
    Unpin(unpin::Unpin),
    Freeze(freeze::Freeze),
    Thaw(thaw::Thaw),
    Adopt(adopt::Adopt),
    Forget(forget::Forget),
    History(history::History),
    Image(image::Image),
    Agent(agent::Agent),
    Terraform(terraform::Terraform),
    Completion(completion::Completion),
}

/// What every command gets.
pub struct Context<'a> {
    pub screen: &'a Screen,
    pub wiring: Wiring,
    pub project: Option<std::path::PathBuf>,
    pub env: Option<String>,
    /// What Ctrl-C does.
    pub leave: Leave,
    /// The whole command line, for completion scripts.
    pub line: fn() -> clap::Command,
}

/// Runs a command; answers its exit code.
pub async fn run(command: Command, context: &Context<'_>) -> Result<u8, Fault> {
    match command {
        Command::Init(c) => c.run(context),
        Command::Validate(c) => c.run(context),
        Command::Fmt(c) => c.run(context),
        Command::Plan(c) => c.run(context).await,
        Command::Apply(c) => c.run(context).await,
        Command::Destroy(c) => c.run(context).await,
        Command::Diff(c) => c.run(context).await,
        Command::Explain(c) => c.run(context).await,
        Command::Up(c) => c.run(context).await,
        Command::Down(c) => c.run(context).await,
        Command::Status(c) => c.run(context).await,
        Command::Logs(c) => c.run(context).await,
        Command::Deploy(c) => c.run(context).await,
        Command::Rollback(c) => c.run(context).await,
        Command::Pin(c) => c.run(context).await,
        Command::Unpin(c) => c.run(context).await,
        Command::Freeze(c) => c.run(context).await,
        Command::Thaw(c) => c.run(context).await,
        Command::Adopt(c) => c.run(context).await,
        Command::Forget(c) => c.run(context).await,
        Command::History(c) => c.run(context).await,
        Command::Image(c) => c.run(context).await,
        Command::Agent(c) => c.run(context).await,
        Command::Terraform(c) => c.run(context),
        Command::Completion(c) => c.run(context),
    }
}
