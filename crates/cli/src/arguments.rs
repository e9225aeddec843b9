//! The arguments that every command shares.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::commands::{
    agent, apply, completion, deploy, destroy, down, fmt, history, image, init, logs, plan, rollback, status,
    up, validate,
};

/// From a description of infrastructure and services to those services running, the same everywhere.
#[derive(Debug, Parser)]
#[command(name = "mainstay", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Start with `mainstay init`, then `mainstay up`.")]
pub struct Arguments {
    /// The project's folder; by default the nearest one upwards that has a `mainstay.hcl`.
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    pub project: Option<PathBuf>,

    /// The environment; by default `dev`, or the only one.
    #[arg(short, long, global = true, value_name = "NAME", env = "MAINSTAY_ENV")]
    pub env: Option<String>,

    /// Print data instead of text: one JSON document, or one JSON line for each thing that happens.
    #[arg(long, global = true)]
    pub json: bool,

    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,

    #[command(subcommand)]
    pub command: Command,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Init(init::Init),
    Validate(validate::Validate),
    Fmt(fmt::Fmt),
    Plan(plan::Plan),
    Apply(apply::Apply),
    Destroy(destroy::Destroy),
    Up(up::Up),
    Down(down::Down),
    Status(status::Status),
    Logs(logs::Logs),
    Deploy(deploy::Deploy),
    Rollback(rollback::Rollback),
    History(history::History),
    Image(image::Image),
    Agent(agent::Agent),
    Completion(completion::Completion),
}

/// Values for variables.
#[derive(Debug, clap::Args)]
pub struct Variables {
    /// Set a variable: NAME=VALUE, where VALUE is text or, for other types, an expression. May be repeated.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub var: Vec<String>,
}
