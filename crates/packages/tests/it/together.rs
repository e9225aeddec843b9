//! Several installations at the same time, and ones that were killed.

use std::path::PathBuf;
use std::time::Duration;

use packages::{Completeness, ModuleRequest, Places};

use crate::fixtures::{Project, Server, call, package, told};

#[tokio::test(flavor = "multi_thread")]
async fn many_modules_at_the_same_time_fetch_each_package_once() {
    let server = Server::start().await;
    server.module("acme/net/aws", &["1.0.0"], &package());
    let project = Project::with_registry(&server);
    let installer = project.open().await.unwrap();
    let requests: Vec<ModuleRequest> = (0..100)
        .map(|i| {
            let key = format!("m{i}");
            ModuleRequest::parse(key, "example.com/acme/net/aws", Some("1.0.0"), ".", Places::default())
                .unwrap()
        })
        .collect();
    let installer = std::sync::Arc::new(installer);
    let together = tokio::task::LocalSet::new();
    let tasks: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let installer = installer.clone();
            together.spawn_local(async move { installer.install(&request).await })
        })
        .collect();
    together.await;
    for (i, task) in tasks.into_iter().enumerate() {
        let found = task.await.unwrap().unwrap();
        assert_eq!(found.folder, PathBuf::from(format!(".terraform/modules/m{i}")));
        assert!(project.has(&format!(".terraform/modules/m{i}/inner/main.tf")));
    }
    let installer = std::sync::Arc::into_inner(installer).unwrap();
    installer.finish(Completeness::Whole).unwrap();
    let seen = server.seen();
    assert_eq!(seen.lines().count(), 3, "{seen}");
    assert_eq!(project.read(".terraform/modules/modules.json").matches("\"Key\"").count(), 101);
}

#[tokio::test]
async fn a_second_installation_waits_for_the_first_one() {
    let project = Project::new();
    project.write("net/main.tf", "");
    let first = project.open().await.unwrap();
    let calls = [call("net", "./net")];
    let second = project.outcome(&calls);
    tokio::pin!(second);
    let early = tokio::time::timeout(Duration::from_millis(300), &mut second).await;
    assert!(early.is_err(), "it does not begin while the first one works");
    assert_eq!(project.events(), "waiting");
    first.finish(Completeness::Part).unwrap();
    assert_eq!(second.await, "net net");
}

#[tokio::test]
async fn patience_with_another_installation_ends() {
    let mut project = Project::new();
    let _first = project.open().await.unwrap();
    project.settings.patience.others = Duration::ZERO;
    let fault = project.open().await.err().unwrap();
    assert_eq!(
        told(&fault).replace(&project.path().display().to_string(), "ROOT"),
        "module-busy: another process has been installing into `ROOT/.terraform/modules` for 0 s\n  \
         hint: wait for it, or end it"
    );
}

#[tokio::test]
async fn what_a_killed_installation_left_is_cleared_away() {
    let project = Project::new();
    project.write(".terraform/modules/.staging-abc/package/main.tf", "");
    project.write(".terraform/modules/a/half.tf", "");
    project.write("net/main.tf", "");
    project.install(&[call("net", "./net")]).await.unwrap();
    assert!(!project.has(".terraform/modules/.staging-abc"));
    let server = Server::start().await;
    server.on("/p.zip", crate::fixtures::body(package()));
    project.install(&[call("a", &format!("{}/p.zip", server.url))]).await.unwrap();
    assert!(project.has(".terraform/modules/a/main.tf"));
    assert!(!project.has(".terraform/modules/a/half.tf"), "a package is put in place as a whole");
}
