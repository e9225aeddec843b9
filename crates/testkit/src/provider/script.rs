//! The script: what the provider does otherwise than a good one, as JSON in a file that the variable `SCRIPT` names. Everything has
//! a default but the folder of the cloud.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The variable that names the script's file.
pub const VARIABLE: &str = "SCRIPT";

/// What the provider is like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Where its objects, its journal and its socket are.
    pub cloud: PathBuf,
    /// The version of the provider protocol, 5 or 6.
    pub protocol: u32,
    /// Where it listens.
    pub network: Network,
    /// What it shows and announces.
    pub certificate: Certificate,
    /// What it prints first.
    pub greeting: Greeting,
    /// What it does when it is asked to end.
    pub shutdown: Shutdown,
    /// Whether it claims the legacy type system in its answers.
    pub is_legacy: bool,
    /// Whether it says that it need not be asked for its schema before anything else.
    pub schema_is_optional: bool,
    /// Whether it answers nothing before it was asked for its schema.
    pub wants_schema_first: bool,
    /// Whether it wants to plan removals.
    pub plans_removals: bool,
    /// How its objects get their ids.
    pub ids: Ids,
    /// Whether it knows identities; otherwise the call for their schemas is unknown to it.
    pub has_identities: bool,
    /// Whether modules may have `provider_meta` blocks for it; then it fails where it is not told what they say.
    pub takes_meta: bool,
    /// Written to its standard error, line by line, before it greets.
    pub stderr: Vec<String>,
    /// What it does at some calls besides, or in place of, what a good provider does; the first that fits is taken.
    pub rules: Vec<Rule>,
}

/// How objects get their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ids {
    /// By the order in which they are made.
    Counted,
    /// By their names, which nothing says before they are made.
    Named,
    /// By their names, as it is planned.
    PlannedNames,
}

/// Where a provider listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// At a socket in the file system.
    Unix,
    /// At a port on loopback.
    Tcp,
}

/// What a provider shows and announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certificate {
    /// As Go providers have it: P-521, self-signed, marked as an authority and used as the leaf.
    P521Authority,
    /// An ordinary one of P-256.
    P256,
    /// One is announced and another shown.
    Other,
    /// What is announced is no certificate.
    Garbled,
    /// None, whatever the client asks for.
    None,
}

/// What a provider prints first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Greeting {
    /// Where it listens.
    Good,
    /// Something else.
    Line(String),
    /// Nothing, ever.
    Silent,
    /// Nothing: it ends with this code.
    Ends(i32),
    /// Where it listens, and then it does not.
    Deaf,
}

/// What a provider does when it is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shutdown {
    /// It ends.
    Ends,
    /// It says no, and goes on.
    Refuses,
    /// It does not answer, and goes on.
    Ignores,
}

/// What is done at some calls.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// The call, by its name in version 6: `ApplyResourceChange`.
    pub call: String,
    /// Only for the object of this `name` (or `id`).
    pub about: Option<String>,
    /// How often in one process; always where it is not said.
    pub times: Option<u32>,
    /// Waits. A provider that is told to stop ends the wait before it acts with an error.
    pub wait_ms: Option<u64>,
    /// Ends.
    pub crash: Option<Crash>,
    /// Whether it waits and ends after it acted and before it answers, and not before it acts.
    pub after: bool,
    /// Answers something else.
    pub answer: Option<Answer>,
    /// Says this with the answer.
    pub says: Vec<Said>,
}

/// How a provider ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crash {
    /// With a code.
    Exit(i32),
    /// By SIGABRT.
    Abort,
    /// By SIGKILL.
    Kill,
    /// As a Go program that panics, with this text.
    Panic(String),
}

/// An answer that is not right, or not of the usual form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// This attribute is a list of texts.
    WrongType(String),
    /// This attribute is not known.
    Unknown(String),
    /// This attribute is something else.
    Other(String, Json),
    /// This attribute is not there.
    Missing(String),
    /// An attribute of this name is there, which the schema does not have.
    Extra(String),
    /// The value is null.
    Null,
    /// The value is in the form of JSON, as it may be.
    AsJson,
    /// The value is no MessagePack.
    Garbage,
    /// The value ends in the middle.
    Cut,
    /// A warning with so many bytes comes with it.
    Long(usize),
    /// The message says that it is longer than any that is taken.
    TooLong,
    /// The call fails, with this code of gRPC and this text.
    Status(i32, String),
}

/// Something that is said with an answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Said {
    /// Whether it is only a warning.
    pub is_warning: bool,
    /// In a few words.
    pub summary: String,
    /// The whole of it.
    pub detail: String,
    /// Where: names are attributes, `{"key": …}` keys of maps, and numbers places in lists.
    pub path: Vec<Json>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            cloud: PathBuf::new(),
            protocol: 6,
            network: Network::Unix,
            certificate: Certificate::P521Authority,
            greeting: Greeting::Good,
            shutdown: Shutdown::Ends,
            is_legacy: false,
            schema_is_optional: true,
            wants_schema_first: false,
            plans_removals: false,
            ids: Ids::Counted,
            has_identities: true,
            takes_meta: false,
            stderr: Vec::new(),
            rules: Vec::new(),
        }
    }
}

impl Script {
    /// A good provider whose objects are in a folder.
    #[must_use]
    pub fn new(cloud: &Path) -> Self {
        Self { cloud: cloud.to_owned(), ..Self::default() }
    }

    /// The same with a rule more.
    #[must_use]
    pub fn with(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Writes it to `script.json` in the cloud's folder; the path is what `SCRIPT` has to say.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self) -> std::io::Result<PathBuf> {
        let path = self.cloud.join("script.json");
        std::fs::write(&path, serde_json::to_vec_pretty(self)?)?;
        Ok(path)
    }

    /// Reads what [`write`](Self::write), or a person, wrote.
    ///
    /// # Errors
    /// If it cannot be read, or is no script.
    pub fn read(path: &Path) -> std::io::Result<Self> {
        let script: Self = serde_json::from_slice(&std::fs::read(path)?)?;
        if script.cloud.as_os_str().is_empty() {
            return Err(std::io::Error::other("the script names no folder: \"cloud\""));
        }
        Ok(script)
    }
}

impl Rule {
    /// What is done at a call.
    #[must_use]
    pub fn at(call: &str) -> Self {
        Self { call: call.into(), ..Self::default() }
    }

    /// The same, with another answer.
    #[must_use]
    pub fn answers(self, answer: Answer) -> Self {
        Self { answer: Some(answer), ..self }
    }

    /// The same, ending before it acts.
    #[must_use]
    pub fn crashes(self, crash: Crash) -> Self {
        Self { crash: Some(crash), ..self }
    }

    /// The same, ending after it acted.
    #[must_use]
    pub fn crashes_after(self, crash: Crash) -> Self {
        Self { crash: Some(crash), after: true, ..self }
    }

    /// The same, waiting first.
    #[must_use]
    pub fn waits(self, wait_ms: u64) -> Self {
        Self { wait_ms: Some(wait_ms), ..self }
    }

    /// The same, waiting after it acted.
    #[must_use]
    pub fn waits_after(self, wait_ms: u64) -> Self {
        Self { wait_ms: Some(wait_ms), after: true, ..self }
    }

    /// The same, only for the object of this name.
    #[must_use]
    pub fn about(self, name: &str) -> Self {
        Self { about: Some(name.into()), ..self }
    }

    /// The same, so often in one process.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// The same, saying something with the answer.
    #[must_use]
    pub fn says(mut self, said: Said) -> Self {
        self.says.push(said);
        self
    }
}
