//! `mainstay completion`

use clap_complete::Shell;
use operations::Fault;

use super::Context;
use crate::exit;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay completion bash > /etc/bash_completion.d/mainstay")]
pub struct Completion {
    /// The shell.
    shell: Shell,
}

impl Completion {
    pub fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        clap_complete::generate(self.shell, &mut (context.line)(), "mainstay", &mut std::io::stdout());
        Ok(exit::DONE)
    }
}
