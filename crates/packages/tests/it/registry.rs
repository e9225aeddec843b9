//! The protocol of registries, on a registry stand-in that is a real server.

use packages::Token;

use crate::fixtures::{Project, Server, body, call, package, status, zip};

#[tokio::test]
async fn the_newest_version_that_is_allowed_is_installed() {
    let server = Server::start().await;
    server.module("acme/net/aws", &["1.0.0", "1.1.0", "v1.2.0", "2.0.0-beta1"], &package());
    let project = Project::with_registry(&server).without_lock();
    let source = "example.com/acme/net/aws";
    let calls = [
        call("a", source).version("~> 1.0"),
        call("b", source).version("< 1.2"),
        call("c", "example.com/acme/net/aws//inner"),
        call("d", source).version("2.0.0-beta1"),
    ];
    assert_eq!(
        project.outcome(&calls).await,
        "a .terraform/modules/a 1.2.0\nb .terraform/modules/b 1.1.0\nc .terraform/modules/c/inner 1.2.0\n\
         d .terraform/modules/d 2.0.0-beta1"
    );
    assert_eq!(
        project.read(".terraform/modules/modules.json"),
        "{\"Modules\":[{\"Key\":\"\",\"Source\":\"\",\"Dir\":\".\"},\
         {\"Key\":\"a\",\"Source\":\"example.com/acme/net/aws\",\"Version\":\"1.2.0\",\"Dir\":\".terraform/modules/a\"},\
         {\"Key\":\"b\",\"Source\":\"example.com/acme/net/aws\",\"Version\":\"1.1.0\",\"Dir\":\".terraform/modules/b\"},\
         {\"Key\":\"c\",\"Source\":\"example.com/acme/net/aws//inner\",\"Version\":\"1.2.0\",\"Dir\":\".terraform/modules/c/inner\"},\
         {\"Key\":\"d\",\"Source\":\"example.com/acme/net/aws\",\"Version\":\"2.0.0-beta1\",\"Dir\":\".terraform/modules/d\"}]}"
    );
    let seen = server.seen();
    assert_eq!(seen.matches("/versions").count(), 1, "versions are asked for once: {seen}");
    assert_eq!(seen.matches("/1.2.0.zip").count(), 1, "a package is fetched once: {seen}");
    // What is installed and still allowed stays, newer versions or not, and needs no server.
    drop(server);
    let calls = [call("a", source).version(">= 1.0"), call("b", source).version("~> 1.1")];
    assert_eq!(project.outcome(&calls).await, "a .terraform/modules/a 1.2.0\nb .terraform/modules/b 1.1.0");
}

#[tokio::test]
async fn a_changed_constraint_installs_another_version() {
    let server = Server::start().await;
    server.module("acme/net/aws", &["1.0.0", "1.1.0"], &package());
    let project = Project::with_registry(&server);
    let source = "example.com/acme/net/aws";
    assert_eq!(project.outcome(&[call("a", source)]).await, "a .terraform/modules/a 1.1.0");
    assert_eq!(project.outcome(&[call("a", source).version("1.0.0")]).await, "a .terraform/modules/a 1.0.0");
    assert_eq!(
        project.outcome(&[call("a", source).version("> 3")]).await,
        "module-version: module a: no version of example.com/acme/net/aws meets `> 3`: the newest version is 1.1.0\n  \
         hint: change the constraint; a pre-release has to be named exactly"
    );
}

#[tokio::test]
async fn tokens_are_shown_to_their_registry_and_nobody_else() {
    let (server, packages) = (Server::start().await, Server::start().await);
    packages.on("/p.zip", body(package()));
    server.on(
        "/v1/modules/acme/net/aws/versions",
        body("{\"modules\":[{\"versions\":[{\"version\":\"1.0.0\"}]}]}"),
    );
    let place = format!("{}/p.zip", packages.url);
    server.on("/v1/modules/acme/net/aws/1.0.0/download", status(204).header("X-Terraform-Get", &place));
    let mut project = Project::with_registry(&server);
    project.configuration = project.configuration.clone().with_token("example.com", Token::new("s3cret"));
    assert_eq!(
        project.outcome(&[call("a", "example.com/acme/net/aws")]).await,
        "a .terraform/modules/a 1.0.0"
    );
    assert_eq!(
        server.seen(),
        "/v1/modules/acme/net/aws/versions Bearer s3cret\n/v1/modules/acme/net/aws/1.0.0/download Bearer s3cret"
    );
    assert_eq!(packages.seen(), "/p.zip");
    assert!(!format!("{:?}", project.configuration).contains("s3cret"));
    assert!(!project.events().contains("s3cret"));
}

#[tokio::test]
async fn a_redirect_to_another_host_does_not_get_the_token() {
    let (server, other) = (Server::start().await, Server::start().await);
    other.on("/versions", body("{\"modules\":[{\"versions\":[]}]}"));
    let away = format!("{}/versions", other.url.replace("127.0.0.1", "localhost"));
    server.on("/v1/modules/acme/net/aws/versions", status(302).header("Location", &away));
    let mut project = Project::with_registry(&server);
    project.configuration = project.configuration.clone().with_token("example.com", Token::new("s3cret"));
    assert_eq!(
        project.outcome(&[call("a", "example.com/acme/net/aws")]).await,
        "module-version: module a: no version of example.com/acme/net/aws meets `no pre-release`: \
         the registry has no versions of it\n  hint: change the constraint; a pre-release has to be named exactly"
    );
    assert_eq!(other.seen(), "/versions");
}

#[tokio::test]
async fn what_a_registry_refuses_or_garbles_is_told() {
    let server = Server::start().await;
    let project = Project::with_registry(&server);
    let path = "/v1/modules/acme/net/aws/versions";
    let check = async |expect: &str| {
        let outcome = project.outcome(&[call("a", "example.com/acme/net/aws")]).await;
        assert_eq!(outcome.replace(&server.url, "URL"), expect);
    };
    check(
        "module-version: module a: the registry at example.com has no module example.com/acme/net/aws\n  \
         hint: check namespace, name and provider, and that the registry lets you see it",
    )
    .await;
    server.only(path, status(401));
    check(
        "module-access: module a: the registry at example.com refuses access: it answered 401\n  \
         hint: give a token in TF_TOKEN_example_com or in a `credentials \"example.com\"` block of ~/.terraformrc",
    )
    .await;
    server.only(path, body("<html>"));
    check(
        "module-server: module a: URL/v1/modules/acme/net/aws/versions sent what a server of modules does not send: \
         expected value at line 1 column 1\n  hint: ask who runs the server; it is no fault of the configuration",
    )
    .await;
    server.only(
        path,
        body("{\"modules\":[{\"versions\":[{\"version\":\"1.0.0\"},{\"version\":\"x\\u001b\"}]}]}"),
    );
    server.only("/v1/modules/acme/net/aws/1.0.0/download", body("{}"));
    check(
        "module-server: module a: URL/v1/modules/acme/net/aws/1.0.0/download sent what a server of modules does not \
         send: the answer has no X-Terraform-Get\n  hint: ask who runs the server; it is no fault of the configuration",
    )
    .await;
    let events = project.events();
    let warning = "warning: the registry at example.com lists versions of example.com/acme/net/aws that are none: \
                   passed over: `x\\u{1b}`";
    assert!(events.contains(warning), "{events}");
}

#[tokio::test]
async fn a_host_without_modules_says_so() {
    let mut project = Project::new();
    project.configuration =
        project.configuration.with_service("example.com", "providers.v1", "https://example.com/p/");
    assert_eq!(
        project.outcome(&[call("a", "example.com/acme/net/aws")]).await,
        "module-server: module a: example.com is not a registry of modules\n  \
         hint: check the host; a git repository is written `git::https://…`"
    );
}

#[tokio::test]
async fn the_place_of_a_package_may_be_relative_and_hold_a_folder() {
    let server = Server::start().await;
    let list = "{\"modules\":[{\"versions\":[{\"version\":\"1.0.0\"}]}]}";
    let top = zip(&[("repo-1.0/inner/main.tf", "")]);
    for (name, place) in [
        ("rel", "./p.zip"),
        ("sub", "./p.zip//repo-1.0"),
        ("glob", "./p.zip//*?archive=zip"),
        ("none", "./p.zip//nope"),
    ] {
        let path = format!("/v1/modules/acme/{name}/aws");
        server.on(&format!("{path}/versions"), body(list));
        server.on(&format!("{path}/1.0.0/download"), status(204).header("X-Terraform-Get", place));
        server.on(&format!("{path}/1.0.0/p.zip"), body(top.clone()));
    }
    let project = Project::with_registry(&server);
    let calls = ["rel", "sub", "glob"].map(|name| call(name, &format!("example.com/acme/{name}/aws")));
    assert_eq!(
        project.outcome(&calls).await,
        "glob .terraform/modules/glob/repo-1.0 1.0.0\nrel .terraform/modules/rel 1.0.0\n\
         sub .terraform/modules/sub/repo-1.0 1.0.0"
    );
    assert_eq!(
        project.outcome(&[call("a", "example.com/acme/glob/aws//inner")]).await,
        "a .terraform/modules/a/repo-1.0/inner 1.0.0"
    );
    assert_eq!(
        project.outcome(&[call("a", "example.com/acme/none/aws")]).await,
        "module-folder: module a: the package has no folder `nope`\n  hint: check what stands after `//`"
    );
}

#[tokio::test]
async fn a_packaged_module_reaches_nothing_outside_of_its_package() {
    let server = Server::start().await;
    server.module("acme/net/aws", &["1.0.0"], &package());
    let project = Project::with_registry(&server);
    project.write("secret/main.tf", "");
    let calls = [
        call("a", "example.com/acme/net/aws"),
        call("a.in", "./inner").from(".terraform/modules/a"),
        call("a.in.up", "..").from(".terraform/modules/a/inner"),
        call("a.in.back", "../../a").from(".terraform/modules/a/inner"),
        call("a.out", "../../../secret").from(".terraform/modules/a"),
    ];
    assert_eq!(
        project.outcome(&calls).await,
        "module-source: `..` is not a source that a module can come from\n  \
         hint: a folder beside this module is written `./..`; a registry's module has three or four parts, \
         `[host/]namespace/name/provider`\n\
         module-folder: module a.out: `secret` leads outside of the package that the calling module is in\n  \
         hint: a packaged module reaches only what is packaged with it: name the other one by its own source"
    );
}
