//! The proxy without an agent: `proxy-alone HTTP-ADDRESS CONTROL-SOCKET LOCK-FILE`. `cargo xtask bench proxy` measures it. It
//! is no part of what users get.

use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [http, control, lock] = arguments.as_slice() else {
        eprintln!("usage: proxy-alone HTTP-ADDRESS CONTROL-SOCKET LOCK-FILE");
        return ExitCode::FAILURE;
    };
    let Ok(http) = http.parse() else {
        eprintln!("{http} is no address");
        return ExitCode::FAILURE;
    };
    let options = proxy::Options {
        http,
        control: control.into(),
        lock: lock.into(),
        shutdown_grace: Duration::from_secs(10),
        patience: proxy::Patience::default(),
        workers: 0,
        take_over: false,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ran = runtime
        .map_err(|fault| fault.to_string())
        .and_then(|runtime| runtime.block_on(proxy::run(options)).map_err(|fault| diag::with_causes(&fault)));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}
