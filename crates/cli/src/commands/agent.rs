//! `mainstay agent`

use std::net::SocketAddr;
use std::path::PathBuf;

use diag::Diagnostic;
use operations::Fault;

use super::Context;
use crate::exit;

/// Run this machine's agent: it keeps instances running and routes to them
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mainstay agent --listen 127.0.0.1:8080\n  mainstay agent stop --instances"
)]
pub struct Agent {
    /// Where it keeps its data; by default /var/lib/mainstay for root, else a folder of the user's.
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,

    /// Where its HTTP entry listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// A second address of the entry, for TLS; the first speaks it as well, where a route has a certificate.
    #[arg(long, value_name = "ADDRESS")]
    https: Option<SocketAddr>,

    /// Where Prometheus reads requests and latencies by service and release, at `/metrics`; loopback or private.
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,

    #[command(subcommand)]
    action: Option<AgentAction>,
}

#[derive(Debug, clap::Subcommand)]
enum AgentAction {
    /// Show what the agent is and what isolation it can give.
    Info,
    /// Stop the agent; the instances go on, and the next agent finds them.
    Stop {
        /// Stop all instances and the proxy as well.
        #[arg(long)]
        instances: bool,
    },
}

impl Agent {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let data_dir = self.data_dir.unwrap_or_else(|| operations::default_data_dir(&context.wiring));
        let client = agent_api::Client::new(data_dir.join("agent.sock"));
        let failed = |e: agent_api::ClientError| {
            Fault::failed(
                Diagnostic::error("agent", e.to_string())
                    .about(data_dir.display().to_string())
                    .hint("is it running? `mainstay agent` starts it"),
            )
        };
        match self.action {
            None => serve(data_dir, self.listen, (self.https, self.metrics), context).await,
            Some(AgentAction::Info) => {
                let info = client.info().await.map_err(failed)?;
                if context.screen.json {
                    context.screen.data(&info);
                } else {
                    context.screen.line(&format!("mainstay {}, process {}", info.version, info.pid));
                    context.screen.line(&format!("data   {}", info.data_dir));
                    context.screen.line(&format!("entry  http://{}", info.http_entry));
                    room(&info).iter().for_each(|line| context.screen.line(line));
                    for missing in &info.missing_isolation {
                        context.screen.line(&format!("without: {missing}"));
                    }
                }
                Ok(exit::DONE)
            }
            Some(AgentAction::Stop { instances }) => {
                let stopped = if instances { client.shutdown_all().await } else { client.shutdown().await };
                stopped.map_err(failed)?;
                let what = if instances {
                    "the agent and all of its instances"
                } else {
                    "the agent; its instances go on"
                };
                if context.screen.json {
                    context.screen.data(&serde_json::json!({ "stopped": true, "instances": instances }));
                } else {
                    context.screen.line(&format!("Stopped {what}."));
                }
                Ok(exit::DONE)
            }
        }
    }
}

/// What the machine has, and who has reserved what of it.
fn room(info: &agent_api::AgentInfo) -> Vec<String> {
    let text = |memory: u64, cpu: u64| format!("{} MiB, {} cores", memory >> 20, cpu as f64 / 1000.0);
    let machine = info.capacity.map(|it| format!("room   {}", text(it.memory_bytes, it.cpu_millis)));
    let reserved = info.reserved.iter().filter(|it| it.memory_bytes > 0 || it.cpu_millis > 0);
    let reserved = reserved
        .map(|it| format!("       reserved by {}: {}", it.service, text(it.memory_bytes, it.cpu_millis)));
    machine.into_iter().chain(reserved).collect()
}

async fn serve(
    data_dir: PathBuf,
    listen: SocketAddr,
    (https, metrics): (Option<SocketAddr>, Option<SocketAddr>),
    context: &Context<'_>,
) -> Result<u8, Fault> {
    let level = tracing_subscriber::EnvFilter::try_from_env("MAINSTAY_LOG").unwrap_or_else(|_| "info".into());
    let _ = tracing_subscriber::fmt()
        .with_env_filter(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
    let fault = |e: agent::AgentError| {
        let causes: Vec<String> = std::iter::successors(std::error::Error::source(&e), |e| e.source())
            .map(ToString::to_string)
            .collect();
        let fault = Diagnostic::error("agent", e.to_string()).about(data_dir.display().to_string());
        Fault::failed(if causes.is_empty() { fault } else { fault.because(causes.join(": ")) })
    };
    let mut options = agent::AgentOptions::new(&data_dir).map_err(fault)?;
    options.http = listen;
    options.https = https;
    options.metrics = metrics;
    context.screen.note(&format!("agent: data in {}, entry on http://{listen}", data_dir.display()));
    agent::run(options).await.map_err(fault)?;
    Ok(exit::DONE)
}
