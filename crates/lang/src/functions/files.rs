//! Functions of the project's files, their paths, and templates. They see files only through the context, and write none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use value::{Type, Value};

use crate::{EntryKind, FileError};

use super::arguments::{Arguments, Failure};
use super::glob;
use super::hash::{Hash, base64_of, hex_of};
use super::signature::{Function, Parameter, Shape};

const PATH: Parameter = Parameter::new("path", Shape::String);
const VARS: Parameter = Parameter::new("vars", Shape::Any).partly_unknown().marked();

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "abspath",
        &[PATH],
        Shape::String,
        |a| Ok(Value::string(absolute(a.text(0), &a.context.files.root().to_string_lossy()))),
        "A path made absolute from the project's folder, in its shortest form.",
    ),
    Function::new(
        "pathexpand",
        &[PATH],
        Shape::String,
        path_expand,
        "A path with the home folder in place of a leading `~`.",
    ),
    Function::new(
        "basename",
        &[PATH],
        Shape::String,
        |a| Ok(Value::string(base_name(a.text(0)))),
        "The last part of a path.",
    ),
    Function::new(
        "dirname",
        &[PATH],
        Shape::String,
        |a| Ok(Value::string(dir_name(a.text(0)))),
        "A path without its last part.",
    ),
    Function::new(
        "file",
        &[PATH],
        Shape::String,
        |a| Ok(Value::string(read_text(a)?)),
        "The text of a file.",
    ),
    Function::new(
        "filebase64",
        &[PATH],
        Shape::String,
        |a| Ok(Value::string(STANDARD.encode(read(a)?))),
        "The content of a file, in Base64.",
    ),
    Function::new(
        "filemd5",
        &[PATH],
        Shape::String,
        |a| hashed(a, hex_of::<Md5>),
        "The MD5 digest of a file, in hexadecimal.",
    ),
    Function::new(
        "filesha1",
        &[PATH],
        Shape::String,
        |a| hashed(a, hex_of::<Sha1>),
        "The SHA-1 digest of a file, in hexadecimal.",
    ),
    Function::new(
        "filesha256",
        &[PATH],
        Shape::String,
        |a| hashed(a, hex_of::<Sha256>),
        "The SHA-256 digest of a file, in hexadecimal.",
    ),
    Function::new(
        "filesha512",
        &[PATH],
        Shape::String,
        |a| hashed(a, hex_of::<Sha512>),
        "The SHA-512 digest of a file, in hexadecimal.",
    ),
    Function::new(
        "filebase64sha256",
        &[PATH],
        Shape::String,
        |a| hashed(a, base64_of::<Sha256>),
        "The SHA-256 digest of a file, in Base64.",
    ),
    Function::new(
        "filebase64sha512",
        &[PATH],
        Shape::String,
        |a| hashed(a, base64_of::<Sha512>),
        "The SHA-512 digest of a file, in Base64.",
    ),
    Function::new("fileexists", &[PATH], Shape::Bool, exists, "Whether there is a file."),
    Function::new(
        "fileset",
        &[PATH, Parameter::new("pattern", Shape::String)],
        Shape::SetOfString,
        file_set,
        "The files below a folder that match a pattern.",
    ),
    Function::new(
        "templatefile",
        &[PATH, VARS],
        Shape::Any,
        template_file,
        "A template in a file, rendered with variables.",
    )
    .typed(|_| Ok(Type::Dynamic)),
    Function::new(
        "templatestring",
        &[Parameter::new("template", Shape::String), VARS],
        Shape::String,
        template_string,
        "A template in a text, rendered with variables.",
    ),
];

/// The path in its shortest form, by its text alone: no `.`, no `x/..`, no slash twice or at the end. Empty is `.`.
fn clean(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => _ = parts.pop(),
            ".." if is_absolute => {}
            other => parts.push(other),
        }
    }
    let joined = parts.join("/");
    match (is_absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

fn absolute(path: &str, root: &str) -> String {
    if path.starts_with('/') { clean(path) } else { clean(&format!("{root}/{path}")) }
}

/// Where the home folder is not known, the path stays as it is.
fn path_expand(a: &Arguments<'_>) -> Result<Value, Failure> {
    let path = a.text(0);
    let Some(rest) = path.strip_prefix('~') else { return Ok(Value::string(path)) };
    if !(rest.is_empty() || rest.starts_with(['/', '\\'])) {
        return Err(Failure::call("cannot expand user-specific home dir"));
    }
    let home = a.context.files.home().map(|home| home.to_string_lossy());
    Ok(Value::string(home.map_or_else(|| path.to_owned(), |home| clean(&format!("{home}/{rest}")))))
}

fn base_name(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match (trimmed.is_empty(), path.is_empty()) {
        (true, true) => ".",
        (true, false) => "/",
        _ => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

fn dir_name(path: &str) -> String {
    clean(path.rfind('/').map_or("", |at| &path[..=at]))
}

fn file_failure(at: Option<usize>, path: &str, error: &FileError) -> Failure {
    match error {
        FileError::NotFound { .. } => Failure::showing(at, |show| {
            format!(
                "no file exists at {}; this function works only with files that are distributed as part of the \
                 configuration source code, so if this file will be created by a resource in this configuration you must \
                 instead obtain this result from an attribute of that resource",
                show(format!("{path:?}"))
            )
        }),
        FileError::Outside { .. } => Failure::showing(at, |show| {
            format!(
                "{} leads out of the project; only files inside it can be read",
                show(format!("{path:?}"))
            )
        }),
        FileError::Read { source, .. } => Failure::showing(at, |show| {
            format!("failed to read file {}: {source}", show(format!("{path:?}")))
        }),
    }
}

fn read(a: &Arguments<'_>) -> Result<Vec<u8>, Failure> {
    let path = clean(a.text(0));
    a.context.files.read(&path).map_err(|e| file_failure(Some(0), &path, &e))
}

fn read_text(a: &Arguments<'_>) -> Result<String, Failure> {
    let path = clean(a.text(0));
    String::from_utf8(read(a)?).map_err(|_| {
        Failure::showing(None, |show| {
            format!(
                "contents of {} are not valid UTF-8; use the filebase64 function to obtain the Base64 encoded contents or \
                 the other file functions (e.g. filemd5, filesha256) to obtain file hashing results instead",
                show(format!("{path:?}"))
            )
        })
    })
}

fn hashed(a: &Arguments<'_>, hash: Hash) -> Result<Value, Failure> {
    read(a).map(|bytes| Value::string(hash(&bytes)))
}

fn exists(a: &Arguments<'_>) -> Result<Value, Failure> {
    let path = clean(a.text(0));
    match a.context.files.kind(&path).map_err(|e| file_failure(Some(0), &path, &e))? {
        Some(EntryKind::File) => Ok(Value::bool(true)),
        None => Ok(Value::bool(false)),
        Some(EntryKind::Folder) => Err(Failure::showing(None, |show| {
            format!("{} is a directory, not a file", show(format!("{path:?}")))
        })),
    }
}

fn file_set(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (folder, pattern) = (clean(a.text(0)), a.text(1));
    let syntax = |why: &str| {
        Failure::showing(None, |show| {
            format!("failed to glob pattern {}: {why}", show(format!("{pattern:?}")))
        })
    };
    if pattern.is_empty() {
        return Ok(Value::set(Type::String, []));
    }
    let pattern = glob::Pattern::parse(&clean(pattern)).map_err(syntax)?;
    let found = glob::find(a.context.files, &folder, &pattern).map_err(|fault| match fault {
        glob::Fault::File(e) => file_failure(Some(0), &folder, &e),
        glob::Fault::Endless => Failure::at(
            0,
            "there are too many folders below this one; a symbolic link may lead back to a folder above it",
        ),
    })?;
    Ok(Value::set(Type::String, found.into_iter().map(Value::string)))
}

fn check_vars(vars: &Value) -> Result<(), Failure> {
    let Some(entries) = vars.as_entries() else {
        return Err(Failure::at(1, "invalid vars value: must be a map"));
    };
    for name in entries.keys() {
        let valid = name.starts_with(|c: char| c.is_alphabetic())
            && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        if !valid {
            return Err(Failure::showing(Some(1), |show| {
                format!(
                    "invalid template variable name {}: must start with a letter, followed by zero or more letters, \
                     digits, and underscores",
                    show(format!("{name:?}"))
                )
            }));
        }
    }
    Ok(())
}

fn rendered(a: &Arguments<'_>, name: &str, template: &str) -> Result<Value, Failure> {
    let vars = a.value(1);
    let marks = vars.marks();
    check_vars(vars)?;
    (a.context.template)(name, template, vars)
        .map(|value| value.with_marks(marks))
        .map_err(|why| Failure::showing(Some(1), |show| show(why.clone())))
}

fn template_file(a: &Arguments<'_>) -> Result<Value, Failure> {
    let template = read_text(a)?;
    rendered(a, &clean(a.text(0)), &template)
}

fn template_string(a: &Arguments<'_>) -> Result<Value, Failure> {
    let result = rendered(a, "<templatestring argument>", a.text(0))?;
    value::convert(&result, &Type::String)
        .map_err(|e| Failure::at(0, format!("invalid template result: {}", e.message)))
}
