//! What the program does, for whoever looks for a fault: told on standard error, or in a file, where `MAINSTAY_LOG` or `TF_LOG` asks for it.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

/// What the libraries below us say is of use to nobody.
const QUIET: &str =
    "h2=warn,hyper=warn,hyper_util=warn,rustls=warn,tonic=warn,tower=warn,sqlx=warn,reqwest=warn";

/// Begins the log, where one is asked for. `MAINSTAY_LOG` is a level, or levels by part as in `warn,plugin=debug`; `TF_LOG` is a level, and
/// `TF_LOG_PATH` a file that is written on.
pub fn begin_log(variables: &BTreeMap<String, String>) {
    let said = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let filter = match (said("MAINSTAY_LOG"), said("TF_LOG").map(|level| level.to_lowercase())) {
        (Some(own), _) => own.clone(),
        (None, Some(level)) => match level.as_str() {
            "off" => return,
            "debug" | "info" | "warn" | "error" => format!("{level},{QUIET}"),
            // As Terraform has it: whatever else is said means everything.
            _ => format!("trace,{QUIET}"),
        },
        (None, None) => return,
    };
    let filter = EnvFilter::try_new(&filter).unwrap_or_else(|error| {
        eprintln!("warning: the log is kept whole, since `{filter}` is no filter of one: {error}");
        EnvFilter::new(format!("trace,{QUIET}"))
    });
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    let file =
        said("TF_LOG_PATH").map(|path| (path, OpenOptions::new().create(true).append(true).open(path)));
    // One that is there already is the agent's.
    let _ = match file {
        Some((_, Ok(file))) => log.with_writer(Mutex::new(file)).try_init(),
        Some((path, Err(error))) => {
            eprintln!("warning: the log is told here, since {path} cannot be written: {error}");
            log.with_writer(std::io::stderr).try_init()
        }
        None => log.with_writer(std::io::stderr).try_init(),
    };
}
