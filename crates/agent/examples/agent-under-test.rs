//! The agent alone, as a program: `agent-under-test DATA-DIR HTTP-ADDRESS`. The tests of this crate start it, kill it and
//! start it again. It is no part of what users get.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(code) = agent::hidden(&arguments) {
        return code;
    }
    let result = serve(&arguments);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &[OsString]) -> Result<(), Box<dyn std::error::Error>> {
    let [data_dir, http] = arguments else { return Err("usage: DATA-DIR HTTP-ADDRESS".into()) };
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let mut options = agent::AgentOptions::new(data_dir)?;
    options.http = http.to_string_lossy().parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(agent::run(options))?)
}
