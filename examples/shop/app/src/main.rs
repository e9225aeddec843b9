//! A small shop: `shop web` shows products and takes orders, `shop worker` works them off. Both keep what they know in Redis,
//! whose address they find in `CACHE`. An example, not part of Mainstay.

mod redis;
mod web;
mod worker;

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let result = match std::env::args().nth(1).as_deref() {
        Some("web") => web::serve().await,
        Some("worker") => worker::work().await,
        _ => {
            eprintln!("usage: shop web | worker");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shop: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Where Redis is, from the environment.
fn cache() -> String {
    std::env::var("CACHE").unwrap_or_else(|_| "127.0.0.1:6379".into())
}

/// Ends when the process is asked to stop.
async fn stopped() {
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    match terminate {
        Ok(mut signal) => {
            signal.recv().await;
        }
        // Without the handler the default action ends the process, which is a stop as well.
        Err(_) => std::future::pending().await,
    }
}
