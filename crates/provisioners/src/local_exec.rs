//! `local-exec`: a command on this machine.
//!
//! It gets no terminal and no input. It and all that it starts are one process group, so that all of it can be ended.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use engine::ProvisionRequest;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::arguments::Arguments;
use crate::fault::Fault;
use crate::lines::{Lines, Tail};
use crate::standard::{Output, StandardProvisioners};

/// How long the last output of a killed command is waited for: what it started elsewhere may hold the pipe for ever.
const LAST_OUTPUT: Duration = Duration::from_secs(1);

/// What is to be run.
struct LocalExec {
    command: String,
    program: Vec<String>,
    working_dir: Option<String>,
    environment: Vec<(String, String)>,
    quiet: bool,
}

impl LocalExec {
    fn read(mut arguments: Arguments<'_>) -> Result<Self, Fault> {
        let command = arguments.required("command");
        let mut program = arguments.texts("interpreter").unwrap_or_default();
        if program.is_empty() {
            program = vec!["/bin/sh".to_owned(), "-c".to_owned()];
        }
        if program.first().is_some_and(String::is_empty) {
            arguments.fault("interpreter", "its first text is the program, and is empty");
        }
        let working_dir = arguments.filled("working_dir");
        let environment = arguments.named_texts("environment");
        if environment.iter().any(|(name, _)| name.is_empty() || name.contains(['=', '\0'])) {
            arguments.fault("environment", "a name is empty, or holds `=` or a zero byte");
        }
        let quiet = arguments.flag("quiet").unwrap_or(false);
        arguments.finish()?;
        program.push(command.clone());
        Ok(Self { command, program, working_dir, environment, quiet })
    }
}

/// Runs it to its end.
pub(crate) async fn run(
    own: &StandardProvisioners,
    request: &ProvisionRequest,
    arguments: Arguments<'_>,
    hidden: Option<&'static str>,
    output: Output<'_>,
    cancelled: &CancellationToken,
) -> Result<(), Fault> {
    let exec = LocalExec::read(arguments)?;
    let failed = |why: &str, tail: &str| {
        // The command and what it printed may hold what nobody is to see.
        let cause = match hidden {
            Some(marks) => {
                format!(
                    "Error running command: {why}. (command and output suppressed due to {marks} value in config)"
                )
            }
            None => format!("Error running command '{}': {why}. Output: {tail}", exec.command),
        };
        Fault::new("local-exec-failed", cause.trim_end().to_owned())
    };
    if exec.quiet {
        output("local-exec: Executing: Suppressed by quiet=true");
    } else {
        let words: Vec<_> = exec.program.iter().map(|word| format!("{word:?}")).collect();
        output(&format!("Executing: [{}]", words.join(" ")));
    }
    let folder = match &exec.working_dir {
        Some(given) => {
            let folder = own.local_path(request, given);
            if !folder.is_dir() {
                return Err(failed(&format!("chdir {given}: no such file or directory"), ""));
            }
            folder
        }
        None => request.folder.clone(),
    };
    let (child, mut reader) =
        start(&exec, folder).map_err(|error| failed(&start_failure(&exec, &error), ""))?;
    let mut printed = Printed { lines: Lines::default(), tail: Tail::default() };
    let ended = follow(child, &mut reader, &mut printed, output, (own.grace, cancelled)).await;
    printed.lines.finish(output);
    let tail = printed.tail.text();
    match ended {
        Ok(Ended::ByItself(status)) if status.success() => Ok(()),
        Ok(Ended::ByItself(status)) => Err(failed(&exit(status), &tail)),
        Ok(Ended::Interrupted(status)) => Err(failed(&format!("interrupted, {}", exit(status)), &tail)),
        Err(error) => Err(failed(&error.to_string(), &tail)),
    }
}

struct Printed {
    lines: Lines,
    tail: Tail,
}

enum Ended {
    ByItself(ExitStatus),
    Interrupted(ExitStatus),
}

/// One pipe takes both outputs, so that their lines come in the order in which they were written.
fn start(exec: &LocalExec, folder: PathBuf) -> io::Result<(Child, pipe::Receiver)> {
    let (reader, writer) = io::pipe()?;
    let (program, rest) = exec.program.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command
        .args(rest)
        .current_dir(folder)
        .envs(exec.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .kill_on_drop(true);
    let child = command.spawn()?;
    // The command holds the pipe's writing ends until it goes, and with them the end of the output would never come.
    drop(command);
    Ok((child, pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?))
}

fn start_failure(exec: &LocalExec, error: &io::Error) -> String {
    let program = exec.program.first().map_or("", String::as_str);
    match error.kind() {
        io::ErrorKind::NotFound if program.contains('/') => {
            format!("fork/exec {program}: no such file or directory")
        }
        io::ErrorKind::NotFound => format!("exec: {program:?}: executable file not found in $PATH"),
        _ => format!("{program}: {error}"),
    }
}

/// Reads until nobody writes any more, as long as nobody interrupts.
async fn follow(
    mut child: Child,
    reader: &mut pipe::Receiver,
    printed: &mut Printed,
    output: Output<'_>,
    (grace, cancelled): (Duration, &CancellationToken),
) -> io::Result<Ended> {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    let whole = async {
        read(reader, printed, output).await?;
        child.wait().await
    };
    tokio::select! {
        status = whole => return status.map(Ended::ByItself),
        () = cancelled.cancelled() => {}
    }
    let signal = |signal| {
        if let Some(group) = group {
            // It may have ended already, and then there is nobody to tell.
            let _ = killpg(group, signal);
        }
    };
    signal(Signal::SIGINT);
    let gone = tokio::time::timeout(grace, async {
        read(reader, printed, output).await?;
        child.wait().await
    });
    if let Ok(status) = gone.await {
        return status.map(Ended::Interrupted);
    }
    signal(Signal::SIGKILL);
    let status = child.wait().await?;
    if let Ok(read) = tokio::time::timeout(LAST_OUTPUT, read(reader, printed, output)).await {
        read?;
    }
    Ok(Ended::Interrupted(status))
}

async fn read(reader: &mut pipe::Receiver, printed: &mut Printed, output: Output<'_>) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = reader.read(&mut buffer).await?;
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(());
        }
        printed.tail.push(bytes);
        printed.lines.push(bytes, &|line| output(line));
    }
}

/// How it ended, in the oracle's words.
fn exit(status: ExitStatus) -> String {
    if let Some(code) = status.code() {
        return format!("exit status {code}");
    }
    let name = match status.signal().and_then(|number| Signal::try_from(number).ok()) {
        Some(Signal::SIGHUP) => "hangup".to_owned(),
        Some(Signal::SIGINT) => "interrupt".to_owned(),
        Some(Signal::SIGQUIT) => "quit".to_owned(),
        Some(Signal::SIGABRT) => "aborted".to_owned(),
        Some(Signal::SIGKILL) => "killed".to_owned(),
        Some(Signal::SIGSEGV) => "segmentation fault".to_owned(),
        Some(Signal::SIGPIPE) => "broken pipe".to_owned(),
        Some(Signal::SIGTERM) => "terminated".to_owned(),
        Some(other) => other.as_str().to_owned(),
        None => "unknown".to_owned(),
    };
    format!("signal: {name}{}", if status.core_dumped() { " (core dumped)" } else { "" })
}
