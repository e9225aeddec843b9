//! Running one provisioner, and what came of it.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use engine::{ProvisionRequest, Provisioners};
use provisioners::StandardProvisioners;
use tokio_util::sync::CancellationToken;
use value::{Type, Value};

/// What came of a provisioner.
#[derive(Debug)]
pub struct Outcome {
    pub result: Result<(), diag::Diagnostic>,
    pub lines: Vec<String>,
}

impl Outcome {
    /// That it succeeded.
    #[track_caller]
    pub fn ok(self) -> Vec<String> {
        if let Err(fault) = &self.result {
            panic!("it failed: {fault}\n{}", self.lines.join("\n"));
        }
        self.lines
    }

    /// That it failed; the fault's text.
    #[track_caller]
    pub fn fault(&self) -> String {
        match &self.result {
            Ok(()) => panic!("it succeeded:\n{}", self.lines.join("\n")),
            Err(fault) => fault.to_string(),
        }
    }

    /// That it failed for this reason.
    #[track_caller]
    pub fn fails(self, cause: &str) {
        let fault = self.fault();
        assert!(fault.contains(cause), "{fault}");
    }
}

/// One provisioner in a folder.
pub struct Case<'a> {
    pub folder: &'a Path,
    pub connection: Option<Value>,
    pub provisioners: StandardProvisioners,
    pub cancelled: CancellationToken,
    /// The line at which it is interrupted.
    pub interrupt_at: Option<&'static str>,
}

impl<'a> Case<'a> {
    pub fn new(folder: &'a Path) -> Self {
        Self {
            folder,
            connection: None,
            provisioners: StandardProvisioners {
                grace: Duration::from_secs(1),
                ..StandardProvisioners::default()
            },
            cancelled: CancellationToken::new(),
            interrupt_at: None,
        }
    }

    pub fn over(self, connection: Value) -> Self {
        Self { connection: Some(connection), ..self }
    }

    pub fn interrupted_at(self, line: &'static str) -> Self {
        Self { interrupt_at: Some(line), ..self }
    }

    pub async fn run(self, kind: &str, configuration: Value) -> Outcome {
        let lines = Mutex::new(Vec::new());
        let output = |line: &str| {
            lines.lock().unwrap().push(line.to_owned());
            if self.interrupt_at.is_some_and(|at| line.starts_with(at)) {
                self.cancelled.cancel();
            }
        };
        let request = ProvisionRequest {
            address: "terraform_data.it".to_owned(),
            kind: kind.into(),
            configuration,
            connection: self.connection.clone(),
            folder: self.folder.to_owned(),
        };
        let result = self.provisioners.run(&request, &output, &self.cancelled).await;
        Outcome { result, lines: lines.into_inner().unwrap() }
    }
}

/// An object of attributes.
pub fn object<const N: usize>(attributes: [(&str, Value); N]) -> Value {
    Value::object(attributes)
}

/// A text.
pub fn text(text: impl AsRef<str>) -> Value {
    Value::string(text.as_ref())
}

/// A list of texts.
pub fn texts(texts: &[&str]) -> Value {
    Value::list(Type::String, texts.iter().map(|t| Value::string(*t)).collect::<Vec<_>>())
}

/// Whether a process is still there; one that only waits to be reaped is not.
pub fn runs(pid: &str) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => !stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')),
        Err(_) => false,
    }
}

/// Waits until something is so, and fails if it never is.
pub async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..400 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("never came to be: {what}");
}
