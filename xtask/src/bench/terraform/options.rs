//! What may be asked of the benchmark on the command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::cases::CASES;

pub const USAGE: &str = "\
usage: cargo xtask bench terraform [--case NAME] [--size N] [--side ours|oracle] [--binary PATH]
                                   [--oracle-limit SECONDS] [--ours-limit SECONDS]";

/// Long enough for the oracle's plan of 10,000 blocks; what would take longer is not run.
const ORACLE_LIMIT: Duration = Duration::from_secs(120);
/// Ours is to need ten seconds at most: what takes as long as this hangs, or is quadratic.
const OURS_LIMIT: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub struct Options {
    /// Only this case.
    pub case: Option<String>,
    /// This size in place of each case's own.
    pub size: Option<usize>,
    pub runs_ours: bool,
    pub runs_oracle: bool,
    /// Our binary, where it is not to be built.
    pub binary: Option<PathBuf>,
    /// What one command may take.
    pub oracle_limit: Duration,
    pub ours_limit: Duration,
}

impl Options {
    pub fn read(arguments: &[&str]) -> Result<Self> {
        let mut options = Self {
            case: None,
            size: None,
            runs_ours: true,
            runs_oracle: true,
            binary: None,
            oracle_limit: ORACLE_LIMIT,
            ours_limit: OURS_LIMIT,
        };
        for pair in arguments.chunks(2) {
            let &[flag, value] = pair else { bail!("`{}` needs a value\n{USAGE}", pair[0]) };
            match flag {
                "--case" => options.case = Some(case(value)?),
                "--size" => options.size = Some(size(value)?),
                "--side" => {
                    options.runs_ours = value == "ours";
                    options.runs_oracle = value == "oracle";
                    if !options.runs_ours && !options.runs_oracle {
                        bail!("there is no side `{value}`\n{USAGE}");
                    }
                }
                // It is run in other folders than this one.
                "--binary" => {
                    options.binary = Some(PathBuf::from(value).canonicalize().context("the binary")?);
                }
                "--oracle-limit" => options.oracle_limit = seconds(value)?,
                "--ours-limit" => options.ours_limit = seconds(value)?,
                _ => bail!("there is no option `{flag}`\n{USAGE}"),
            }
        }
        Ok(options)
    }
}

fn case(name: &str) -> Result<String> {
    if CASES.iter().any(|case| case.name == name) {
        return Ok(name.to_owned());
    }
    let names: Vec<String> = CASES.iter().map(|case| format!("{}: {}", case.name, case.what)).collect();
    bail!("there is no case `{name}`; there are\n{}", names.join("\n"))
}

fn size(text: &str) -> Result<usize> {
    let size = text.replace(['_', ','], "").parse().context("--size is a number of resources")?;
    // A module has ten.
    if size < 10 {
        bail!("--size is at least 10");
    }
    Ok(size)
}

fn seconds(text: &str) -> Result<Duration> {
    let seconds = text.parse().context("a limit is a number of seconds")?;
    Ok(Duration::from_secs(seconds))
}
