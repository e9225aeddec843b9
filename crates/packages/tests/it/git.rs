//! Git repositories that the tests make.

use crate::fixtures::{Project, Repository, call, git};

#[tokio::test]
async fn branches_tags_and_commits_are_fetched() {
    let Some(repository) = Repository::new() else { return };
    let tagged = git(repository.path(), &["rev-parse", "HEAD"]).unwrap();
    git(repository.path(), &["branch", "stable"]).unwrap();
    git(repository.path(), &["tag", "--annotate", "--message", "x", "v1.1.0"]).unwrap();
    let head = repository.commit("main.tf", "# second\n");
    let at = |query: &str| format!("{}{query}", repository.url());
    let first = repository_text(&repository, &tagged);
    for (query, text) in [
        ("", "# second\n".to_owned()),
        ("?ref=v1.0.0", first.clone()),
        ("?ref=v1.1.0", first.clone()),
        ("?ref=stable", first.clone()),
        ("?ref=refs/heads/stable", first.clone()),
        (&format!("?ref={tagged}"), first.clone()),
        (&format!("?ref={}", &tagged[..10]), first.clone()),
        (&format!("?ref={head}&depth=1"), "# second\n".to_owned()),
    ] {
        let project = Project::new();
        assert_eq!(project.outcome(&[call("a", &at(query))]).await, "a .terraform/modules/a", "{query}");
        assert_eq!(project.read(".terraform/modules/a/main.tf"), text, "{query}");
        assert!(!project.has(".terraform/modules/a/.git"), "history is not kept");
    }
}

fn repository_text(repository: &Repository, commit: &str) -> String {
    git(repository.path(), &["show", &format!("{commit}:main.tf")]).unwrap() + "\n"
}

#[tokio::test]
async fn modules_in_folders_of_a_repository_reach_each_other() {
    let Some(repository) = Repository::new() else { return };
    let project = Project::new();
    let source = format!("{}//net?ref=v1.0.0", repository.url());
    let calls = [call("net", &source), call("net.up", "../other").from(".terraform/modules/net/net")];
    assert_eq!(
        project.outcome(&calls).await,
        "net .terraform/modules/net/net\nnet.up .terraform/modules/net/other"
    );
    assert_eq!(
        project.outcome(&[call("x", &format!("{}//nope", repository.url()))]).await,
        "module-folder: module x: the package has no folder `nope`\n  hint: check what stands after `//`"
    );
}

#[tokio::test]
async fn submodules_come_along() {
    let (Some(repository), Some(inner)) = (Repository::new(), Repository::new()) else { return };
    let path = inner.path().display().to_string();
    git(repository.path(), &["submodule", "--quiet", "add", &path, "vendored"]).unwrap();
    git(repository.path(), &["commit", "--quiet", "--message", "submodule"]).unwrap();
    let project = Project::new();
    let source = format!("{}//vendored/other", repository.url());
    assert_eq!(project.outcome(&[call("a", &source)]).await, "a .terraform/modules/a/vendored/other");
    assert!(!project.has(".terraform/modules/a/vendored/.git"));
}

#[tokio::test]
async fn a_reference_or_a_repository_that_is_not_there_is_told() {
    let Some(repository) = Repository::new() else { return };
    let project = Project::new();
    let url = repository.url();
    let outcome = project.outcome(&[call("a", &format!("{url}?ref=nope"))]).await;
    assert_eq!(
        outcome.replace(url.trim_start_matches("git::"), "URL"),
        "module-git: module a: `nope` is no branch, tag or commit of URL\n  \
         hint: `?ref=` names a branch, a tag or a whole commit"
    );
    let outcome = project.outcome(&[call("a", "git::file:///does/not/exist")]).await;
    assert!(
        outcome.starts_with("module-git: module a: `git fetch` failed for file:///does/not/exist: "),
        "{outcome}"
    );
    assert!(outcome.contains("does not appear to be a git repository"), "{outcome}");
    assert!(
        outcome.contains("hint: check the address, and that `git` itself can fetch it here"),
        "{outcome}"
    );
}

#[tokio::test]
async fn a_repository_with_a_link_that_leads_out_is_refused() {
    let Some(repository) = Repository::new() else { return };
    std::os::unix::fs::symlink("/etc/passwd", repository.path().join("x")).unwrap();
    repository.commit("y", "");
    let project = Project::new();
    assert_eq!(
        project.outcome(&[call("a", &repository.url())]).await,
        "module-package: module a: the package has a link that leads out of it, `x`, which is not taken\n  \
         hint: ask who made the package to leave it out"
    );
}

#[tokio::test]
async fn the_lock_holds_a_branch_at_its_commit_until_an_upgrade() {
    let Some(repository) = Repository::new() else { return };
    let first = git(repository.path(), &["rev-parse", "HEAD"]).unwrap();
    let mut project = Project::new();
    let source = format!("{}?ref=main", repository.url());
    project.install(&[call("a", &source)]).await.unwrap();
    let lock = |commit: &str| {
        format!(
            "# Written by `init`. It belongs into the repository: modules are checked against it.\n\n\
             module \"{source}\" {{\n  commit = \"{commit}\"\n}}\n"
        )
    };
    assert_eq!(project.read("mainstay.lock.hcl"), lock(&first));
    let second = repository.commit("main.tf", "# second\n");
    // On another machine there is the lock only.
    std::fs::remove_dir_all(project.path().join(".terraform")).unwrap();
    project.install(&[call("a", &source)]).await.unwrap();
    assert_eq!(project.read(".terraform/modules/a/main.tf"), repository_text(&repository, &first));
    project.upgraded(&[call("a", &source)]).await;
    assert_eq!(project.read("mainstay.lock.hcl"), lock(&second));
    assert_eq!(project.read(".terraform/modules/a/main.tf"), "# second\n");
    project.events();
    project.upgraded(&[call("a", &source)]).await;
    assert_eq!(project.events(), "", "an upgrade that brings nothing fetches nothing");
    // Somebody else has gone back, and the lock says so.
    project.write("mainstay.lock.hcl", &lock(&first));
    project.install(&[call("a", &source)]).await.unwrap();
    assert_eq!(project.read(".terraform/modules/a/main.tf"), repository_text(&repository, &first));
}
