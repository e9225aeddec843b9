//! The proxy as a process: start, signals, end.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use http::StatusCode;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use proxy::{Control, StartError};

use crate::client::{Client, get};
use crate::proxy::{PATIENCE, Proxy, answering, options, until, web};
use crate::upstream::Upstream;

/// Names the folder of a proxy that the test binary runs instead of testing.
const FOLDER: &str = "PROXY_TEST_FOLDER";
/// Has it take over from the one that runs.
const TAKE_OVER: &str = "PROXY_TEST_TAKE_OVER";

/// Not a test by itself: what [`start`] runs in a process of its own.
#[tokio::test]
async fn process_of_its_own() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let mut options = options(Path::new(&folder));
        options.take_over = std::env::var_os(TAKE_OVER).is_some();
        proxy::run(options).await.expect("the proxy runs");
    }
}

pub fn start(folder: &Path) -> (Child, Control) {
    start_with(folder, |_| {})
}

/// A proxy that takes over from the one that runs.
pub fn take_over(folder: &Path) -> (Child, Control) {
    start_with(folder, |command| {
        command.env(TAKE_OVER, "1");
    })
}

fn start_with(folder: &Path, change: impl FnOnce(&mut Command)) -> (Child, Control) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", "process::process_of_its_own", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null());
    change(&mut command);
    let child = command.spawn().expect("a process");
    (child, Control::new(options(folder).control))
}

pub fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().cast_signed()), signal).expect("the process is there");
}

pub async fn ended(child: &mut Child) -> Option<i32> {
    let mut code = None;
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(status) = child.try_wait().expect("our own process") {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    if let Ok(ended) = waited.await {
        code = ended;
    } else {
        let _ = child.kill();
    }
    code
}

#[tokio::test]
async fn sigterm_finishes_what_is_in_flight() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut child, control) = start(folder.path());
    let info = answering(&control).await;
    assert_eq!(info.pid, child.id());
    let upstream = Upstream::start("a").await;
    control.apply(&web(1, &[("a-1", upstream.address, 1)])).await.expect("the snapshot is taken");
    let held = tokio::spawn(async move { get(info.http, "any.test", "/hold").await });
    let mut idle = Client::connect(info.http).await;
    assert_eq!(idle.get("/").await.status, StatusCode::OK);
    until("the request arrives", async || upstream.requests() == 2).await;

    signal(&child, Signal::SIGTERM);
    until("nothing new is accepted", async || tokio::net::TcpStream::connect(info.http).await.is_err()).await;
    assert!(control.info().await.is_ok(), "the control socket answers to the end");
    upstream.gate.add_permits(1);
    assert_eq!(held.await.expect("the held request").release(), "a");
    assert_eq!(ended(&mut child).await, Some(0));
    assert!(!control.socket().exists());
}

#[tokio::test]
async fn a_proxy_that_was_killed_leaves_nothing_in_the_way() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut child, control) = start(folder.path());
    answering(&control).await;
    signal(&child, Signal::SIGKILL);
    ended(&mut child).await;
    assert!(control.socket().exists());
    let (mut child, control) = start(folder.path());
    assert_eq!(answering(&control).await.pid, child.id());
    signal(&child, Signal::SIGTERM);
    assert_eq!(ended(&mut child).await, Some(0));
}

#[tokio::test]
async fn a_second_proxy_names_the_first() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut child, control) = start(folder.path());
    answering(&control).await;
    match proxy::run(options(folder.path())).await {
        Err(StartError::AlreadyRunning { pid, .. }) => assert_eq!(pid, child.id().to_string()),
        other => panic!("{other:?}"),
    }
    assert!(control.info().await.is_ok());
    signal(&child, Signal::SIGINT);
    assert_eq!(ended(&mut child).await, Some(0));
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let occupant = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let mut options = options(folder.path());
    options.http = occupant.local_addr().expect("its address");
    let fault = proxy::run(options.clone()).await.expect_err("the port is taken").to_string();
    assert!(fault.contains(&format!("port {} of 127.0.0.1", options.http.port())), "{fault}");
    assert!(fault.contains("another address"), "{fault}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_answers_with_what_it_had_to_cut_off() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("a").await;
    proxy.apply(&web(1, &[("a-1", upstream.address, 1)])).await;
    let address = proxy.http;
    tokio::spawn(async move { get(address, "any.test", "/hold").await });
    until("the request arrives", async || upstream.requests() == 1).await;
    let drained = proxy.control.shutdown(Duration::from_millis(20)).await.expect("an answer");
    assert_eq!((drained.complete, drained.in_flight), (false, 1));
    assert!(proxy.task.await.expect("the proxy's task").is_ok());
}
