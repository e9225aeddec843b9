//! Git repositories, by the `git` of this machine: it knows the credentials, keys and proxies that its user has set up.
//!
//! One commit is fetched, and its history is not kept. No command asks a question, no name can be taken for an option, and only
//! the protocols that a source can have are spoken.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::error::{Error, Result};
use crate::source::{GitPackage, without_password};

/// Of what `git` says, the end is shown: the reason stands there.
const SHOWN_LINES_MAX: usize = 12;

/// Fetches a repository into a folder that does not exist yet, and tells the commit. A locked commit is taken instead of what
/// the reference names today.
pub(crate) async fn fetch(
    package: &GitPackage,
    locked: Option<&str>,
    folder: &Path,
    within: Duration,
) -> Result<String> {
    let git = Git { url: &package.url, folder, within };
    tokio::fs::create_dir_all(folder).await.map_err(Error::io("making", folder))?;
    git.run("init", &["--quiet"]).await?;
    git.run("remote", &["add", "--", "origin", &package.url]).await?;
    let wanted = locked.or(package.reference.as_deref()).unwrap_or("HEAD");
    let depth = format!("--depth={}", package.depth.unwrap_or(1));
    let arguments = ["--quiet", "--no-tags", &depth, "--end-of-options", "origin", wanted];
    let commit = match git.run("fetch", &arguments).await {
        Ok(_) => "FETCH_HEAD".to_owned(),
        // A commit by its number, in short or where the server does not hand it out alone, is found in the whole.
        Err(error @ Error::Git { .. }) if package.reference.is_some() || locked.is_some() => {
            if git.run("fetch", &["--quiet", "--tags", "origin"]).await.is_err() {
                return Err(error);
            }
            git.resolve(wanted).await?
        }
        Err(error) => return Err(error),
    };
    git.run("checkout", &["--quiet", "--detach", &commit]).await?;
    if folder.join(".gitmodules").exists() {
        git.run("submodule", &["--quiet", "update", "--init", "--recursive", "--depth=1"]).await?;
    }
    let commit = git.run("rev-parse", &["--verify", "HEAD"]).await?.trim().to_owned();
    remove_history(folder).await?;
    Ok(commit)
}

/// The commit that a reference names at the server now; `None` when it names none, which a commit's number does not.
pub(crate) async fn current(package: &GitPackage, folder: &Path, within: Duration) -> Result<Option<String>> {
    let git = Git { url: &package.url, folder, within };
    let reference = package.reference.as_deref().unwrap_or("HEAD");
    let peeled = format!("{reference}^{{}}");
    let listed =
        git.run("ls-remote", &["--quiet", "--end-of-options", &package.url, reference, &peeled]).await?;
    // Names are matched by their end; an annotated tag is followed by the commit that it names. A tag comes before a branch of
    // the same name, as in a fetch.
    let rows: Vec<(&str, &str)> = listed.lines().filter_map(|row| row.split_once('\t')).collect();
    let named =
        |name: String| rows.iter().find(|(_, row)| *row == name).map(|(commit, _)| (*commit).to_owned());
    let candidates = [
        format!("refs/tags/{reference}^{{}}"),
        format!("refs/tags/{reference}"),
        format!("refs/heads/{reference}"),
        format!("{reference}^{{}}"),
        reference.to_owned(),
    ];
    Ok(candidates.into_iter().find_map(named))
}

/// History, configuration and the URL with what may be secret in it are of no use to a module.
async fn remove_history(folder: &Path) -> Result<()> {
    let folder = folder.to_owned();
    super::checksum::blocking(move || {
        let mut pending = vec![folder];
        while let Some(path) = pending.pop() {
            for entry in std::fs::read_dir(&path).map_err(Error::io("reading", &path))? {
                let entry = entry.map_err(Error::io("reading", &path))?;
                let place = entry.path();
                // A repository has a folder of this name, a submodule a file.
                if entry.file_name() == ".git" {
                    super::tree::remove(&place).map_err(Error::io("removing", place))?;
                } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    pending.push(place);
                }
            }
        }
        Ok(())
    })
    .await?
}

struct Git<'a> {
    url: &'a str,
    folder: &'a Path,
    within: Duration,
}

impl Git<'_> {
    /// A name's commit in what has been fetched.
    async fn resolve(&self, name: &str) -> Result<String> {
        for candidate in [
            format!("refs/tags/{name}^{{commit}}"),
            format!("refs/remotes/origin/{name}^{{commit}}"),
            format!("{name}^{{commit}}"),
        ] {
            let arguments = ["--verify", "--quiet", "--end-of-options", &candidate];
            if let Ok(found) = self.run("rev-parse", &arguments).await {
                return Ok(found.trim().to_owned());
            }
        }
        Err(Error::NoReference { reference: name.to_owned(), url: without_password(self.url) })
    }

    async fn run(&self, command: &'static str, arguments: &[&str]) -> Result<String> {
        // A repository from elsewhere must not bring along a folder of this machine as its submodule.
        let is_local = self.url.starts_with("file:");
        let protocols = if is_local { "file:git:http:https:ssh" } else { "git:http:https:ssh" };
        let mut process = Command::new("git");
        process
            // What a cloned repository brings along is not run, and helpers that are programs are not reached through a URL.
            .args([
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "core.fsmonitor=false",
                "-c",
                "advice.detachedHead=false",
            ])
            .arg(command)
            .args(arguments)
            .current_dir(self.folder)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", protocols)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        // Set where a hook of another repository has called us.
        for variable in
            ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"]
        {
            process.env_remove(variable);
        }
        let slow = || Error::GitSlow { command, url: without_password(self.url), within: self.within };
        let output = tokio::time::timeout(self.within, process.output()).await.map_err(|_| slow())?;
        let output = output.map_err(Error::NoGit)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        // `git` repeats the URL as it was given.
        let said = said.replace(self.url, &without_password(self.url));
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        let shown = lines[lines.len().saturating_sub(SHOWN_LINES_MAX)..].join("\n");
        Err(Error::Git { command, url: without_password(self.url), output: shown })
    }
}
