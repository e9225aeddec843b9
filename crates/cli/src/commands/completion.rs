//! `mainstay completion`

use clap::CommandFactory;
use clap_complete::Shell;
use operations::Fault;

use crate::arguments::Arguments;
use crate::exit;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay completion bash > /etc/bash_completion.d/mainstay")]
pub struct Completion {
    /// The shell.
    shell: Shell,
}

impl Completion {
    pub fn run(self) -> Result<u8, Fault> {
        clap_complete::generate(self.shell, &mut Arguments::command(), "mainstay", &mut std::io::stdout());
        Ok(exit::DONE)
    }
}
