//! The arguments that every command shares.

use std::path::PathBuf;

use clap::Parser;

use crate::commands::Command;
use crate::view::Color;

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
