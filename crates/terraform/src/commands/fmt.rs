//! `fmt`.

use std::io::{Read, Write};
use std::path::{Component, Path, PathBuf};

use diag::{Diagnostic, Diagnostics, Sources, Span};
use lang::syntax::TokenKind;

use super::{Context, DONE};
use crate::arguments::{Flags, Usage};
use crate::text::foreign::Decoded;
use crate::text::unified::unified;
use crate::view::View;

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
        told: Vec::new(),
        faults: Diagnostics::default(),
        sources: Sources::default(),
    };
    if from_input {
        // What is given beside it is not looked at, as Terraform has it.
        layout.input(is_check);
    } else if given.rest.is_empty() {
        layout.folder(Path::new(""));
    } else {
        for target in &given.rest {
            // Nothing is done behind one that is missing.
            if !layout.target(target) {
                break;
            }
        }
    }
    // A check either finds something, or cannot be made.
    if !(is_check && layout.faults.has_errors()) {
        // A reader that has gone away is no fault.
        let _ = std::io::stdout().lock().write_all(&layout.told);
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
    /// What is printed.
    told: Vec<u8>,
    faults: Diagnostics,
    sources: Sources,
}

fn is_formatted(name: &str) -> bool {
    [".tf", ".tfvars", ".tftest.hcl", ".tfmock.hcl"].iter().any(|end| name.ends_with(end))
}

/// What is hidden, and what editors leave behind, is nobody's configuration.
fn is_passed_over(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'))
}

/// A path as it reads from a folder, links taken for what they are named.
fn seen_from(folder: &Path, path: &Path) -> String {
    let parts = |path: &Path| {
        let mut parts: Vec<String> = Vec::new();
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        for component in path.components() {
            match component {
                Component::ParentDir => drop(parts.pop()),
                Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        parts
    };
    let (from, to) = (parts(folder), parts(&folder.join(path)));
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", from.len() - shared);
    up.chain(to[shared..].iter().map(String::as_str)).collect::<Vec<_>>().join("/")
}

impl Layout {
    fn fault(&mut self, message: String) {
        self.faults.push(Diagnostic::error("fmt", message));
    }

    /// Whether there is something at a path.
    fn target(&mut self, target: &str) -> bool {
        let path = self.base.join(target);
        if path.is_dir() {
            self.folder(Path::new(target));
        } else if !path.exists() {
            self.fault(format!("No file or directory at {target}"));
            return false;
        } else if is_formatted(target) {
            self.file(Path::new(target));
        } else {
            self.fault("Only .tf, .tfvars, and .tftest.hcl files can be processed with terraform fmt".into());
        }
        true
    }

    /// A folder by its path from the base.
    fn folder(&mut self, folder: &Path) {
        let mut entries = Vec::new();
        let read = std::fs::read_dir(self.base.join(folder)).and_then(|found| {
            for entry in found {
                let entry = entry?;
                // A link to a folder is not followed; what is behind it has a place of its own.
                entries.push((entry.file_name().to_string_lossy().into_owned(), entry.file_type()?.is_dir()));
            }
            Ok(())
        });
        if let Err(error) = read {
            self.fault(format!("{} could not be read: {error}", folder.display()));
        }
        entries.sort();
        for (name, is_folder) in entries {
            if is_passed_over(&name) {
                continue;
            }
            let path = folder.join(&name);
            if is_folder {
                if self.is_recursive {
                    self.folder(&path);
                }
            } else if is_formatted(&name) {
                self.file(&path);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let (place, shown) = (self.base.join(path), seen_from(&self.base, path));
        let bytes = match std::fs::read(&place) {
            Ok(bytes) => bytes,
            Err(error) => return self.fault(format!("{shown} could not be read: {error}")),
        };
        let Some((old, new)) = self.formatted(&shown, bytes) else { return };
        if new == old.text {
            return;
        }
        self.changed = true;
        if self.lists {
            self.told.extend(format!("{shown}\n").into_bytes());
        }
        if self.diffs {
            self.told.extend(old.encode(unified(&shown, &old.text, &new)));
        }
        if self.writes
            && let Err(error) = std::fs::write(&place, old.encode(new))
        {
            self.fault(format!("{shown} could not be written: {error}"));
        }
    }

    fn input(&mut self, is_check: bool) {
        let mut bytes = Vec::new();
        if let Err(error) = std::io::stdin().read_to_end(&mut bytes) {
            return self.fault(format!("the input could not be read: {error}"));
        }
        let Some((old, new)) = self.formatted("<stdin>", bytes) else { return };
        self.changed = new != old.text;
        if is_check {
            return;
        }
        if self.diffs {
            self.told = old.encode(unified("<stdin>", &old.text, &new));
        } else {
            self.told = old.encode(new);
            // The output ends with a line, even where the input did not.
            if !self.told.ends_with(b"\n") {
                self.told.push(b'\n');
            }
        }
    }

    /// A text as it was and as it should be.
    fn formatted(&mut self, name: &str, bytes: Vec<u8>) -> Option<(Decoded, String)> {
        let Some(old) = Decoded::new(bytes) else {
            self.fault(format!("{name} could not be read: it is no UTF-8"));
            return None;
        };
        let file = self.sources.add(name, old.shown());
        let mut faults = Diagnostics::default();
        if old.is_foreign(&old.text) {
            for token in lang::syntax::tokenize(&old.text) {
                let is_comment = matches!(token.kind, TokenKind::LineComment | TokenKind::BlockComment);
                if !is_comment && old.is_foreign(token.text(&old.text)) {
                    let span = Span { file, start: token.start, end: token.end };
                    let fault = Diagnostic::error("fmt", "Invalid character encoding").at(span);
                    faults.push(fault.because("files are read as UTF-8, and this is none"));
                }
            }
        }
        let formatted = if faults.is_empty() { lang::format_terraform(&old.text, file) } else { Err(faults) };
        match formatted {
            Ok(new) => Some((old, new)),
            Err(faults) => {
                self.faults.extend(faults);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_from_the_folder() {
        let folder = Path::new("/srv/stack");
        for (path, shown) in [
            ("main.tf", "main.tf"),
            ("./a/../b/main.tf", "b/main.tf"),
            ("/srv/stack/main.tf", "main.tf"),
            ("/srv/other/main.tf", "../other/main.tf"),
            ("../main.tf", "../main.tf"),
        ] {
            assert_eq!(seen_from(folder, Path::new(path)), shown, "{path}");
        }
    }
}
