//! `mainstay fmt`

use std::io::Read;
use std::path::{Path, PathBuf};

use diag::Diagnostics;
use operations::Fault;
use serde_json::json;

use super::Context;
use crate::exit;

/// Bring configuration files into the usual form
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  mainstay fmt\n  mainstay fmt --check\n  mainstay fmt - < main.tf")]
pub struct Fmt {
    /// Files or folders; `-` reads the input and writes the output.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,

    /// Change nothing; exit with 1 where something would change.
    #[arg(long)]
    check: bool,
}

impl Fmt {
    pub fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        if self.paths.iter().any(|p| p.as_os_str() == "-") {
            return standard_input();
        }
        let base = context.project.clone().unwrap_or_default();
        let mut files = Vec::new();
        for path in &self.paths {
            collect(&base.join(path), &mut files)?;
        }
        let (mut changed, mut faults, mut sources) =
            (Vec::new(), Diagnostics::default(), diag::Sources::default());
        for file in files {
            let text =
                std::fs::read_to_string(&file).map_err(|e| Fault::io("it could not be read", &file, &e))?;
            let id = sources.add(file.display().to_string(), text.clone());
            match lang::format(&text, id) {
                Ok(formatted) if formatted == text => {}
                Ok(formatted) => {
                    if !self.check {
                        std::fs::write(&file, formatted)
                            .map_err(|e| Fault::io("it could not be written", &file, &e))?;
                    }
                    changed.push(file.display().to_string());
                }
                Err(found) => faults.extend(found),
            }
        }
        if context.screen.json {
            let list: Vec<_> = faults.0.iter().map(|d| diag::to_json(d, &sources)).collect();
            context.screen.data(&json!({ "changed": changed, "diagnostics": list }));
        } else {
            changed.iter().for_each(|file| context.screen.line(file));
        }
        if !faults.is_empty() {
            return Err(Fault::Configuration { diagnostics: faults, sources: Box::new(sources) });
        }
        Ok(if self.check && !changed.is_empty() { exit::FAILED } else { exit::DONE })
    }
}

fn standard_input() -> Result<u8, Fault> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|e| Fault::io("the input could not be read", Path::new("-"), &e))?;
    let mut sources = diag::Sources::default();
    let id = sources.add("<stdin>", text.clone());
    match lang::format(&text, id) {
        Ok(formatted) => {
            print!("{formatted}");
            Ok(exit::DONE)
        }
        Err(diagnostics) => Err(Fault::Configuration { diagnostics, sources: Box::new(sources) }),
    }
}

/// Configuration files at a path and below it; folders that begin with a dot are not ours.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Fault> {
    let failed = |e: &std::io::Error| Fault::io("it could not be read", path, e);
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
        .map_err(|e| failed(&e))?
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<_, _>>()
        .map_err(|e| failed(&e))?;
    entries.sort();
    for entry in entries {
        let name = entry.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if entry.is_symlink() || name.starts_with('.') || name == "target" || name == "node_modules" {
            continue;
        }
        if entry.is_dir() {
            collect(&entry, files)?;
        } else if name.ends_with(".hcl") || name.ends_with(".tf") {
            files.push(entry);
        }
    }
    Ok(())
}
