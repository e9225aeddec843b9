//! The lock: what it holds, and what is refused because of it.

use packages::LockMode;

use crate::fixtures::{Project, Server, body, call, package, zip};

const HEADER: &str = "# Written by `init`. It belongs into the repository: modules are checked against it.\n";
/// Of the archive that `package` makes: the SHA-256 of `sha256sum` over its two files, as the definition has it.
const DIGEST: &str = "h1:";

#[tokio::test]
async fn a_version_is_locked_with_its_digest_and_stays_until_an_upgrade() {
    let server = Server::start().await;
    server.module("acme/net/aws", &["1.0.0", "1.1.0"], &package());
    let mut project = Project::with_registry(&server);
    let calls = [call("a", "example.com/acme/net/aws").version("~> 1.0")];
    project.install(&calls).await.unwrap();
    let lock = project.read("mainstay.lock.hcl");
    let hash = lock.split('"').find(|part| part.starts_with(DIGEST)).unwrap().to_owned();
    let locked = |version: &str| {
        format!(
            "{HEADER}\nmodule \"example.com/acme/net/aws\" {{\n  version = \"{version}\"\n  hash    = \"{hash}\"\n}}\n"
        )
    };
    assert_eq!(lock, locked("1.1.0"));
    server.only(
        "/v1/modules/acme/net/aws/versions",
        body("{\"modules\":[{\"versions\":[{\"version\":\"1.1.0\"},{\"version\":\"1.2.0\"}]}]}"),
    );
    server.module("acme/net/aws", &["1.2.0"], &package());
    std::fs::remove_dir_all(project.path().join(".terraform")).unwrap();
    server.seen();
    assert_eq!(project.outcome(&calls).await, "a .terraform/modules/a 1.1.0");
    assert_eq!(
        server.seen(),
        "/v1/modules/acme/net/aws/1.1.0/download\n/packages/acme/net/aws/1.1.0.zip",
        "what is locked is not looked for"
    );
    assert_eq!(project.upgraded(&calls).await, "a .terraform/modules/a 1.2.0");
    assert_eq!(project.read("mainstay.lock.hcl"), locked("1.2.0"));
    assert!(project.read(".terraform/modules/modules.json").contains(&format!("\"Pin\":\"{hash}\"")));
}

#[tokio::test]
async fn a_digest_is_that_of_sha256sum() {
    let server = Server::start().await;
    server.on("/p.zip", body(zip(&[("b/x", "2\n"), ("a", "1\n")])));
    let project = Project::new();
    project.install(&[call("a", &format!("{}/p.zip", server.url))]).await.unwrap();
    // `sha256sum a b/x | sha256sum`, in Base64.
    let expect = "h1:B5QhY9ZEmq6iiHA/C5bg/O+bfcL6f6eC+SLzNKiJsDs=";
    assert!(project.read("mainstay.lock.hcl").contains(expect), "{}", project.read("mainstay.lock.hcl"));
}

#[tokio::test]
async fn a_package_that_is_not_the_locked_one_is_refused() {
    let server = Server::start().await;
    server.module("acme/net/aws", &["1.0.0"], &package());
    server.on("/p.zip", body(package()));
    let mut project = Project::with_registry(&server);
    let url = format!("{}/p.zip", server.url);
    let calls = [call("a", "example.com/acme/net/aws"), call("b", &url)];
    project.install(&calls).await.unwrap();
    let lock = project.read("mainstay.lock.hcl");
    let other = zip(&[("main.tf", "# evil\n")]);
    server.only("/packages/acme/net/aws/1.0.0.zip", body(other.clone()));
    server.only("/p.zip", body(other));
    std::fs::remove_dir_all(project.path().join(".terraform")).unwrap();
    let outcome = project.outcome(&calls).await;
    assert!(
        outcome.contains(
            "module a: the content of example.com/acme/net/aws 1.0.0 is not the one that is locked"
        ),
        "{outcome}"
    );
    assert!(
        outcome.contains(&format!("module b: the content of {url} is not the one that is locked")),
        "{outcome}"
    );
    assert!(outcome.contains("hint: a published version does not change"), "{outcome}");
    assert!(!project.has(".terraform/modules/a/main.tf"));
    assert_eq!(project.read("mainstay.lock.hcl"), lock);
    // An upgrade takes what a URL stands for today; a version never changes.
    let outcome = project.upgraded(&calls).await;
    assert!(outcome.contains("module a: the content of"), "{outcome}");
    assert!(!outcome.contains("module b"), "{outcome}");
    assert!(project.has(".terraform/modules/b/main.tf"));
}

#[tokio::test]
async fn an_installation_of_terraform_is_taken_over_without_a_network() {
    let server = Server::start().await;
    server.module("acme/net/aws", &["1.0.0"], &package());
    let project = Project::with_registry(&server).without_lock();
    let calls = [call("a", "example.com/acme/net/aws")];
    project.install(&calls).await.unwrap();
    assert!(!project.has("mainstay.lock.hcl"));
    drop(server);
    let mut project = project;
    project.settings.lock = LockMode::Write;
    assert_eq!(project.outcome(&calls).await, "a .terraform/modules/a 1.0.0");
    assert!(project.read("mainstay.lock.hcl").contains("version = \"1.0.0\""));
}

#[tokio::test]
async fn a_lock_that_may_not_change_is_complete_or_a_fault() {
    let server = Server::start().await;
    server.module("acme/net/aws", &["1.0.0"], &package());
    let mut project = Project::with_registry(&server);
    project.settings.lock = LockMode::ReadOnly;
    let calls = [call("a", "example.com/acme/net/aws")];
    assert_eq!(
        project.outcome(&calls).await,
        "module-digest: module a: example.com/acme/net/aws 1.0.0 is not locked, and the lock may not be changed\n  \
         hint: install once without `-lockfile=readonly` and commit `mainstay.lock.hcl`"
    );
    project.settings.lock = LockMode::Write;
    project.install(&calls).await.unwrap();
    project.settings.lock = LockMode::ReadOnly;
    assert_eq!(project.outcome(&calls).await, "a .terraform/modules/a 1.0.0");
}

#[tokio::test]
async fn other_blocks_of_the_lock_stay_and_unused_modules_go() {
    let server = Server::start().await;
    server.module("acme/net/aws", &["1.0.0"], &package());
    let project = Project::with_registry(&server);
    let others = "# Of the providers.\nprovider \"x\" {\n  version = \"1.0.0\"\n}\n";
    let gone = "module \"example.com/old/old/old\" {\n  version = \"1.0.0\"\n  hash    = \"h1:x\"\n}\n";
    project.write("mainstay.lock.hcl", &format!("{gone}\n{others}"));
    project.outcome(&[call("a", "example.com/nope/nope/nope")]).await;
    assert!(project.read("mainstay.lock.hcl").contains("old/old/old"), "after a fault nothing is forgotten");
    project.install(&[call("a", "example.com/acme/net/aws")]).await.unwrap();
    let lock = project.read("mainstay.lock.hcl");
    assert!(
        lock.starts_with(&format!("{HEADER}\n{others}\nmodule \"example.com/acme/net/aws\" {{\n")),
        "{lock}"
    );
    assert!(!lock.contains("old/old/old"), "{lock}");
    project.install(&[call("a", "example.com/acme/net/aws")]).await.unwrap();
    assert_eq!(project.read("mainstay.lock.hcl"), lock, "writing it again changes nothing");
}

#[tokio::test]
async fn passwords_are_not_written_into_the_lock() {
    let server = Server::start().await;
    server.on("/p.zip", body(package()));
    let project = Project::new();
    let url = server.url.replace("http://", "http://me:s3cret@");
    project.install(&[call("a", &format!("{url}/p.zip"))]).await.unwrap();
    let lock = project.read("mainstay.lock.hcl");
    assert!(lock.contains(&format!("module \"{}/p.zip\"", server.url)), "{lock}");
    assert!(!lock.contains("s3cret") && !project.events().contains("s3cret"));
    assert!(server.seen().starts_with("/p.zip Basic "));
}
