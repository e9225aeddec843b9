//! `mainstay terraform`: listed here, and run by the composition root before anything of this command line is read.

use std::ffi::OsString;

use operations::Fault;

use super::Context;

/// Terraform's own command line: its verbs, flags, exit codes and formats
#[derive(Debug, clap::Args)]
#[command(
    disable_help_flag = true,
    after_help = "Everything after `terraform` is read as Terraform 1.11 reads it: `mainstay terraform -help` lists the verbs. The \
                  same happens when the program is called by the name `terraform`.\n\nExamples:\n  mainstay terraform init\n  \
                  mainstay terraform -chdir=stacks/network plan -out=plan.bin"
)]
pub struct Terraform {
    /// Terraform's verb with its flags.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

impl Terraform {
    /// Only options that stand before it lead here.
    pub fn run(self, _: &Context<'_>) -> Result<u8, Fault> {
        let rest: Vec<_> = self.arguments.iter().map(|it| it.to_string_lossy()).collect();
        Err(Fault::usage(
            "`terraform` takes no options before it: its own come after",
            format!("mainstay terraform {}; another folder is `-chdir=DIR`", rest.join(" ")),
        ))
    }
}
