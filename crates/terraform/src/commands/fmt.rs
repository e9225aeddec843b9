//! `fmt`.

use std::io::Read;
use std::path::{Path, PathBuf};

use diag::{Diagnostics, Sources};

use super::{Context, DONE};
use crate::arguments::{Flags, Usage};
use crate::text::unified::unified;
use crate::view::{View, say};

const USAGE: Usage = Usage {
    verb: "fmt",
    arguments: "[target...]",
    least: 0,
    most: usize::MAX,
    about: "Bring .tf, .tfvars and .tftest.hcl files into the usual layout; `-` reads the input and writes the output.",
    flags: Flags {
        switches: &["list", "write", "diff", "check", "recursive", "no-color"],
        values: &[],
        refused: &[],
    },
};

/// Something was not well-formed.
const BROKEN: u8 = 2;
/// Something would change; with `-check`.
const UNFORMATTED: u8 = 3;

pub(super) fn run(context: &Context, arguments: &[String]) -> u8 {
    let given = match super::read(context, &USAGE, arguments) {
        Ok(given) => given,
        Err(code) => return code,
    };
    let view = View::new(false, given.is_on("no-color", false));
    let is_check = given.is_on("check", false);
    let from_input = given.rest.first().is_some_and(|first| first == "-");
    let mut layout = Layout {
        base: context.folder.clone(),
        lists: given.is_on("list", true) && !from_input,
        writes: given.is_on("write", true) && !is_check,
        diffs: given.is_on("diff", false),
        is_recursive: given.is_on("recursive", false),
        changed: false,
        faults: Diagnostics::default(),
        sources: Sources::default(),
    };
    if from_input {
        if given.rest.len() > 1 {
            view.usage("Option - cannot be combined with other targets", "");
            return BROKEN;
        }
        layout.input(is_check);
    } else if given.rest.is_empty() {
        layout.folder(Path::new(""));
    } else {
        for target in &given.rest {
            layout.target(target);
        }
    }
    view.diagnostics(&layout.faults, &layout.sources);
    match (layout.faults.has_errors(), is_check && layout.changed) {
        (true, _) => BROKEN,
        (false, true) => UNFORMATTED,
        (false, false) => DONE,
    }
}

/// One run over some files.
struct Layout {
    base: PathBuf,
    lists: bool,
    writes: bool,
    diffs: bool,
    is_recursive: bool,
    changed: bool,
    faults: Diagnostics,
    sources: Sources,
}

fn is_formatted(name: &str) -> bool {
    [".tf", ".tfvars", ".tftest.hcl"].iter().any(|end| name.ends_with(end))
}

impl Layout {
    fn fault(&mut self, message: String) {
        self.faults.push(diag::Diagnostic::error("fmt", message));
    }

    fn target(&mut self, target: &str) {
        let path = self.base.join(target);
        if path.is_dir() {
            self.folder(Path::new(target));
        } else if !path.exists() {
            self.fault(format!("No file or directory at {target}"));
        } else if is_formatted(target) {
            self.file(Path::new(target));
        } else {
            self.fault("Only .tf, .tfvars, and .tftest.hcl files can be processed with terraform fmt".into());
        }
    }

    /// A folder by its path from the base.
    fn folder(&mut self, folder: &Path) {
        let mut entries = Vec::new();
        let read = std::fs::read_dir(self.base.join(folder)).and_then(|found| {
            for entry in found {
                entries.push(entry?.file_name().to_string_lossy().into_owned());
            }
            Ok(())
        });
        if let Err(error) = read {
            self.fault(format!("{} could not be read: {error}", folder.display()));
        }
        entries.sort();
        for name in entries {
            // What is hidden and what editors leave behind is nobody's configuration.
            if name.starts_with(['.', '#']) || name.ends_with('~') {
                continue;
            }
            let path = if folder.as_os_str() == "." { PathBuf::from(&name) } else { folder.join(&name) };
            if self.base.join(&path).is_dir() {
                if self.is_recursive {
                    self.folder(&path);
                }
            } else if is_formatted(&name) {
                self.file(&path);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let (place, shown) = (self.base.join(path), path.display().to_string());
        let text = match std::fs::read_to_string(&place) {
            Ok(text) => text,
            Err(error) => return self.fault(format!("{shown} could not be read: {error}")),
        };
        let Some(formatted) = self.formatted(&shown, &text) else { return };
        if formatted == text {
            return;
        }
        self.changed = true;
        if self.lists {
            say(&format!("{shown}\n"));
        }
        if self.writes
            && let Err(error) = std::fs::write(&place, &formatted)
        {
            self.fault(format!("{shown} could not be written: {error}"));
        }
        if self.diffs {
            say(&unified(&shown, &text, &formatted));
        }
    }

    fn input(&mut self, is_check: bool) {
        let mut text = String::new();
        if let Err(error) = std::io::stdin().read_to_string(&mut text) {
            return self.fault(format!("the input could not be read: {error}"));
        }
        let Some(formatted) = self.formatted("<stdin>", &text) else { return };
        self.changed = formatted != text;
        if self.diffs {
            say(&unified("<stdin>", &text, &formatted));
        } else if !is_check {
            say(&formatted);
            // Terraform ends the output with a line, even where the input did not end with one.
            if !formatted.ends_with('\n') {
                say("\n");
            }
        }
    }

    fn formatted(&mut self, name: &str, text: &str) -> Option<String> {
        let file = self.sources.add(name, text);
        match lang::format_terraform(text, file) {
            Ok(formatted) => Some(formatted),
            Err(faults) => {
                self.faults.extend(faults);
                None
            }
        }
    }
}
