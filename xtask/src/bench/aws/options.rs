//! What may be asked of the benchmark on the command line.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::world::Told;

const USAGE: &str = "usage: cargo xtask bench aws [--binary PATH] [--endpoint environment|block]";

#[derive(Debug)]
pub struct Options {
    /// Our binary, where it is not to be built.
    pub binary: Option<PathBuf>,
    /// How the provider is told where the stand-in is.
    pub told: Told,
}

impl Options {
    pub fn read(arguments: &[&str]) -> Result<Self> {
        let mut options = Self { binary: None, told: Told::Environment };
        for pair in arguments.chunks(2) {
            let &[flag, value] = pair else { bail!("`{}` needs a value\n{USAGE}", pair[0]) };
            match (flag, value) {
                // It is run in other folders than this one.
                ("--binary", path) => {
                    options.binary = Some(PathBuf::from(path).canonicalize().context("the binary")?);
                }
                ("--endpoint", "block") => options.told = Told::Block,
                ("--endpoint", "environment") => options.told = Told::Environment,
                ("--endpoint", other) => bail!("there is no endpoint by `{other}`\n{USAGE}"),
                _ => bail!("there is no option `{flag}`\n{USAGE}"),
            }
        }
        Ok(options)
    }
}
