//! Settings of a backend that are given beside its block when a folder is prepared: `-backend-config`. They are kept with the folder's
//! other settings, readable by its owner only, since keys may be among them.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use diag::Diagnostic;
use lang::values::parse_hcl;
use serde_json::Value as Json;
use value::Value;

use crate::Fault;

/// Settings by name, over those of the block.
#[derive(Clone, Default)]
pub struct GivenSettings(pub(super) BTreeMap<String, Value>);

impl GivenSettings {
    /// What `-backend-config` says, each `NAME=VALUE` or a file of such lines. `root`: what files go by.
    ///
    /// # Errors
    /// If a file cannot be read, or is none.
    pub fn parse(texts: &[String], root: &Path) -> Result<Self, Fault> {
        let mut settings = BTreeMap::new();
        for text in texts {
            if let Some((name, value)) = text.split_once('=') {
                settings.insert(name.trim().to_owned(), Value::string(value.trim()));
                continue;
            }
            let path = root.join(text);
            let read = std::fs::read_to_string(&path);
            let content = read.map_err(|error| Fault::io("the settings could not be read", &path, &error))?;
            let mut sources = diag::Sources::default();
            let file = sources.add(text.clone(), content.clone());
            let parsed = parse_hcl(file, &content);
            if parsed.diagnostics.has_errors() {
                let diagnostics = parsed.diagnostics;
                return Err(Fault::Configuration { diagnostics, sources: Box::new(sources) });
            }
            settings.extend(parsed.tree.into_iter().map(|it| (it.name.name.to_string(), it.value)));
        }
        Ok(Self(settings))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that were kept; none where there is no such file.
    pub(crate) fn read(file: &Path) -> Result<Self, Fault> {
        let text = match std::fs::read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                return Err(Fault::io("the settings of the backend could not be read", file, &error));
            }
        };
        let broken = |error: serde_json::Error| {
            let fault = Diagnostic::error("backend", "the settings of the backend could not be read");
            let fault = fault.about(file.display().to_string()).because(error.to_string());
            Fault::failed(fault.hint("prepare the folder again: `init -reconfigure -backend-config=…`"))
        };
        let kept: BTreeMap<String, Json> = serde_json::from_slice(&text).map_err(broken)?;
        Ok(Self(kept.into_iter().map(|(name, json)| (name, value::from_json(&json))).collect()))
    }

    /// Keeps them for the runs to come.
    pub(crate) fn write(&self, file: &Path) -> Result<(), Fault> {
        let kept: BTreeMap<&String, Json> =
            self.0.iter().filter_map(|(name, value)| Some((name, value::to_json(value)?))).collect();
        let text = serde_json::to_vec_pretty(&kept).unwrap_or_default();
        let written = file.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| {
            // Made anew, so that it has these rights from its first byte.
            match std::fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?.write_all(&text)
        });
        written.map_err(|error| Fault::io("the settings of the backend could not be written", file, &error))
    }
}
