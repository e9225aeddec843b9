//! A provider program for tests: it speaks version 5 or 6 of Terraform's provider protocol as programs of that kind do, makes its
//! objects in a folder that all of its processes share, and does what a [`Script`] says otherwise than a good provider.
//!
//! [`run`] is the program's `main`; each package whose tests want it has an example of one line that calls it, since cargo builds
//! the examples of a package together with its tests. It knows one client, that of crate `plugin`, and any other that keeps to the
//! protocol; it does not speak the older net/rpc, and streams nothing.

mod calls;
mod cloud;
mod data;
mod ephemeral;
mod fault;
mod functions;
mod journal;
mod kinds;
mod messages;
mod misdeed;
mod schema;
mod script;
mod secure;
mod server;
mod shape;
mod thing;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::Notify;

pub use cloud::{Cloud, Object};
pub use journal::{Entry, read as calls};
pub use script::{
    Answer, Certificate, Crash, Greeting, Ids, Network, Rule, Said, Script, Shutdown, VARIABLE as SCRIPT,
};

use kinds::Kind;
use shape::Shape;

/// How often it looks whether the test that it is for is still there.
const LOOK: Duration = Duration::from_secs(1);

/// One process of it.
struct Provider {
    script: Script,
    configuration: Shape,
    managed: Vec<Kind>,
    data: Vec<Kind>,
    ephemeral: Vec<Kind>,
    has_told_schema: AtomicBool,
    /// How often each rule was used.
    used: Mutex<Vec<u32>>,
    /// The region that it is configured with.
    region: Mutex<Option<String>>,
    stopped: Notify,
    farewell: Notify,
}

/// The program: reads the script that `SCRIPT` names, greets, and answers until it is told to end.
#[must_use]
pub fn run() -> ExitCode {
    match begin() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scripted-provider: {error}");
            ExitCode::FAILURE
        }
    }
}

fn begin() -> std::io::Result<()> {
    let path = std::env::var_os(SCRIPT).map(PathBuf::from);
    let path = path.ok_or_else(|| std::io::Error::other(format!("{SCRIPT} names no script")))?;
    let script = Script::read(&path)?;
    journal::add(&script.cloud, "start", "", "")?;
    let provider = Arc::new(Provider::new(script));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            ended = server::serve(provider) => ended,
            () = vanished(&path) => Ok(()),
        }
    })
}

/// Waits until the script is gone: whoever wrote it is, too, and nobody will end this process.
async fn vanished(script: &Path) {
    while script.exists() {
        tokio::time::sleep(LOOK).await;
    }
}

impl Provider {
    fn new(script: Script) -> Self {
        Self {
            configuration: kinds::configuration(),
            managed: kinds::managed(script.protocol),
            data: kinds::data(),
            ephemeral: kinds::ephemeral(),
            script,
            has_told_schema: AtomicBool::new(false),
            used: Mutex::default(),
            region: Mutex::default(),
            stopped: Notify::new(),
            farewell: Notify::new(),
        }
    }
}
