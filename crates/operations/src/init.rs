//! A new project.

use std::path::{Path, PathBuf};

use diag::Diagnostic;

use crate::Fault;

/// What was written.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Initialized {
    /// The project's name.
    pub project: String,
    /// The files.
    pub files: Vec<PathBuf>,
}

/// Writes a project of one file that `up` can bring up at once: a service made of a program that every machine has.
///
/// # Errors
/// If there is a project already, or the name is not one.
pub fn init(folder: &Path, name: Option<&str>) -> Result<Initialized, Fault> {
    let main = folder.join("mainstay.hcl");
    if main.exists() {
        return Err(Fault::failed(
            Diagnostic::error("project-exists", "there is a project here already")
                .about(main.display().to_string())
                .hint("nothing was changed; `mainstay plan` shows what it would do"),
        ));
    }
    let name = match name {
        Some(name) if is_name(name) => name.to_owned(),
        Some(name) => {
            return Err(Fault::usage(
                format!("`{name}` is not a project's name"),
                "a name has lower-case letters, digits and `-`, begins with a letter, and has at most 40 characters",
            ));
        }
        None => name_of(folder),
    };
    std::fs::create_dir_all(folder).map_err(|e| Fault::io("the folder could not be made", folder, &e))?;
    let mut files = Vec::new();
    let mut write = |path: PathBuf, text: &str| {
        std::fs::write(&path, text).map_err(|e| Fault::io("it could not be written", &path, &e))?;
        files.push(path);
        Ok::<(), Fault>(())
    };
    write(main, &template(&name))?;
    let ignore = folder.join(".gitignore");
    let ignored = std::fs::read_to_string(&ignore).unwrap_or_default();
    if !ignored.lines().any(|l| l.trim_end_matches('/') == ".mainstay") {
        let text =
            if ignored.is_empty() || ignored.ends_with('\n') { ignored } else { format!("{ignored}\n") };
        write(ignore, &format!("{text}.mainstay/\n"))?;
    }
    Ok(Initialized { project: name, files })
}

fn is_name(name: &str) -> bool {
    name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// The folder's name, made into a project's name.
fn name_of(folder: &Path) -> String {
    let absolute = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let raw = absolute.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    let letters: String = raw.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let name: String =
        letters.trim_start_matches(|c: char| !c.is_ascii_lowercase()).chars().take(40).collect();
    let name = name.trim_end_matches('-').to_owned();
    if is_name(&name) { name } else { "my-project".into() }
}

fn template(name: &str) -> String {
    format!(
        r#"# One file is a project. `mainstay up` starts what it describes on this machine,
# `mainstay plan` shows what a change would do. docs/language.md has every block.

project {{
  name = "{name}"
}}

variable "replicas" {{
  type        = number
  default     = 2
  description = "How many copies of the service run"
}}

# A program of this machine. A container has `image = "…"` instead, with an `image` block that says how it is built.
service "hello" {{
  program  = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "$(PORT)"]
  replicas = var.replicas

  port "http" {{
    container = 8080
  }}

  health {{
    http = "/"
  }}

  route {{
    host = "hello.localhost"
  }}
}}

output "hello" {{
  value       = service.hello.address
  description = "Where the service answers"
}}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folders_name_becomes_a_projects_name() {
        assert_eq!(name_of(Path::new("/nowhere/My Shop_2")), "my-shop-2");
        assert_eq!(name_of(Path::new("/nowhere/123")), "my-project");
    }
}
