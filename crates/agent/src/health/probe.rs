//! One readiness check: asks once and says in one line what was answered. It draws no conclusion.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Empty;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::exec::ExecOrder;
use crate::hidden::EXEC;

/// The most of a command's output that is repeated in its answer.
const COMMAND_OUTPUT_BYTES_MAX: u64 = 512;

/// What a check answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) passed: bool,
    pub(super) message: String,
}

impl Answer {
    fn failed(message: impl Into<String>) -> Self {
        Self { passed: false, message: message.into() }
    }
}

/// What is asked, with numbers for names.
#[derive(Debug, Clone)]
pub(super) enum Question {
    /// A GET.
    Http { address: IpAddr, port: u16, path: String },
    /// A connection.
    Tcp { address: IpAddr, port: u16 },
    /// A command in the sandbox.
    Command(Box<ExecOrder>),
}

/// Asks, for at most `timeout`.
pub(super) async fn ask(question: &Question, timeout: Duration, binary: &Path) -> Answer {
    let answer = async {
        match question {
            Question::Http { address, port, path } => get(*address, *port, path).await,
            Question::Tcp { address, port } => match TcpStream::connect((*address, *port)).await {
                Ok(_) => Answer { passed: true, message: "connected".into() },
                Err(fault) => Answer::failed(connect_fault(&fault)),
            },
            Question::Command(order) => command(order, binary).await,
        }
    };
    match tokio::time::timeout(timeout, answer).await {
        Ok(answer) => answer,
        Err(_) => Answer::failed(format!("{}no answer within {} ms", prefix(question), timeout.as_millis())),
    }
}

fn prefix(question: &Question) -> String {
    match question {
        Question::Http { path, .. } => format!("GET {path}: "),
        Question::Tcp { .. } => String::new(),
        Question::Command(order) => format!("{}: ", order.command.first().map_or("", String::as_str)),
    }
}

async fn get(address: IpAddr, port: u16, path: &str) -> Answer {
    let stream = match TcpStream::connect((address, port)).await {
        Ok(stream) => stream,
        Err(fault) => return Answer::failed(connect_fault(&fault)),
    };
    let broken = |fault: hyper::Error| Answer::failed(format!("GET {path}: {}", diag::with_causes(&fault)));
    let (mut sender, connection) = match handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await {
        Ok(both) => both,
        Err(fault) => return broken(fault),
    };
    let request = Request::get(path)
        .header(header::HOST, format!("{address}:{port}"))
        .header(header::USER_AGENT, "mainstay-health-check")
        .header(header::CONNECTION, "close")
        .body(Empty::new());
    let request = match request {
        Ok(request) => request,
        Err(fault) => return Answer::failed(format!("GET {path}: {fault}")),
    };
    // The connection is polled beside the answer and dropped with it: only the status counts, never the body. It may end
    // in the moment in which the answer arrives; then the answer is still there to be taken.
    let answer = sender.send_request(request);
    tokio::pin!(answer);
    let response = tokio::select! {
        biased;
        response = &mut answer => response,
        _ = connection => answer.await,
    };
    match response {
        Ok(response) => {
            let status = response.status();
            let passed = status.is_success() || status.is_redirection();
            Answer { passed, message: format!("GET {path}: {status}") }
        }
        Err(fault) => broken(fault),
    }
}

fn connect_fault(fault: &io::Error) -> String {
    match fault.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::ConnectionReset => "connection reset".into(),
        io::ErrorKind::HostUnreachable => "host unreachable".into(),
        _ => fault.to_string(),
    }
}

async fn command(order: &ExecOrder, binary: &Path) -> Answer {
    let name = order.command.first().map_or("", String::as_str);
    match run(order, binary).await {
        Ok((Some(0), _)) => Answer { passed: true, message: format!("{name}: exited with code 0") },
        Ok((code, output)) => {
            let end = code.map_or_else(|| "killed".to_owned(), |code| format!("exited with code {code}"));
            let first = output.lines().map(str::trim).find(|line| !line.is_empty());
            Answer::failed(match first {
                Some(line) => format!("{name}: {end}: {line}"),
                None => format!("{name}: {end}"),
            })
        }
        Err(fault) => Answer::failed(format!("{name}: {fault}")),
    }
}

async fn run(order: &ExecOrder, binary: &Path) -> io::Result<(Option<i32>, String)> {
    let mut child = tokio::process::Command::new(binary)
        .arg(EXEC)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(&serde_json::to_vec(order)?).await?;
    }
    let mut output = Vec::new();
    if let Some(mut pipe) = child.stdout.take() {
        (&mut pipe).take(COMMAND_OUTPUT_BYTES_MAX).read_to_end(&mut output).await?;
        // The rest is read away, so that a command that says much is not stopped by a full pipe.
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    }
    let status = child.wait().await?;
    Ok((status.code(), String::from_utf8_lossy(&output).into_owned()))
}
