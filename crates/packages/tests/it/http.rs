//! Archives from HTTP servers, and pages that tell where one is.

use crate::fixtures::{Project, Server, body, call, package, status, zip};

#[tokio::test]
async fn an_archive_is_fetched_once_for_all_modules_in_it() {
    let server = Server::start().await;
    server.on("/p.zip", body(package()));
    let project = Project::new();
    let source = format!("{}/p.zip", server.url);
    let inner = format!("{}/p.zip//inner", server.url);
    let calls = [call("a", &source), call("a.in", "./inner").from(".terraform/modules/a"), call("b", &inner)];
    assert_eq!(
        project.outcome(&calls).await,
        "a .terraform/modules/a\na.in .terraform/modules/a/inner\nb .terraform/modules/b/inner"
    );
    assert_eq!(server.seen(), "/p.zip");
    // Without the server: what is installed needs none.
    drop(server);
    assert_eq!(project.install(&calls).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_page_says_where_the_package_is() {
    let server = Server::start().await;
    server.on("/x/p.zip", body(package()));
    server.on("/header", status(204).header("X-Terraform-Get", "./x/p.zip//inner"));
    let page =
        format!("<html><head><meta name=\"terraform-get\" content=\"{}/header\"></head></html>", server.url);
    server.on("/page", body(page));
    server.on("/noext", body(package()));
    let project = Project::new();
    let at = |path: &str| format!("{}{path}", server.url);
    let calls =
        [call("a", &at("/header")), call("b", &at("/page?x=y")), call("c", &at("/noext//inner?archive=zip"))];
    assert_eq!(
        project.outcome(&calls).await,
        "a .terraform/modules/a/inner\nb .terraform/modules/b/inner\nc .terraform/modules/c/inner"
    );
    assert_eq!(
        server.seen(),
        "/header?terraform-get=1\n/x/p.zip\n/page?x=y&terraform-get=1\n/header?terraform-get=1\n/x/p.zip\n/noext"
    );
}

async fn refused(server: &Server, path: &str, expect: &str) {
    let project = Project::new();
    let outcome = project.outcome(&[call("a", &format!("{}{path}", server.url))]).await;
    assert_eq!(outcome.replace(&server.url, "URL"), expect, "{path}");
    assert!(!project.has(".terraform/modules/a"), "{path}: nothing is left behind");
    let left = std::fs::read_dir(project.path().join(".terraform/modules")).unwrap();
    let left: Vec<_> = left.flatten().map(|e| e.file_name().into_string().unwrap()).collect();
    assert!(!left.iter().any(|name| name.starts_with(".staging")), "{path}: {left:?}");
}

#[tokio::test]
async fn servers_that_mislead_are_refused() {
    let server = Server::start().await;
    let hint = "\n  hint: ask who runs the server; it is no fault of the configuration";
    server.on("/file", status(204).header("X-Terraform-Get", "file:///etc"));
    server.on("/path", status(204).header("X-Terraform-Get", "git::file:///etc"));
    server.on("/ext", status(204).header("X-Terraform-Get", "git::ext::sh -c id"));
    server.on("/out", status(204).header("X-Terraform-Get", "./x.zip//../.."));
    server.on("/circle", status(204).header("X-Terraform-Get", "/circle"));
    server.on("/empty", body("<html></html>"));
    let misled = |path: &str, found: &str| {
        format!(
            "module-server: module a: URL/{path} names `{found}` as the place of the package, which it may not{hint}"
        )
    };
    refused(&server, "/file", &misled("file", "file:///etc")).await;
    refused(&server, "/path", &misled("path", "git::file:///etc")).await;
    let answered = |path: &str, found: &str, cause: &str| {
        format!(
            "module-server: module a: URL/{path} names `{found}` as the place of the package: {cause}{hint}"
        )
    };
    let ext = "git::ext::sh -c id";
    refused(
        &server,
        "/ext",
        &answered("ext", ext, &format!("`{ext}` is not a source that a module can come from")),
    )
    .await;
    let out = "`../..` leads outside of the module's package";
    refused(&server, "/out", &answered("out", "./x.zip//../..", out)).await;
    let strange = |path: &str, cause: &str| {
        format!(
            "module-server: module a: URL/{path} sent what a server of modules does not send: {cause}{hint}"
        )
    };
    refused(&server, "/circle", &strange("circle", "after 5 pages there is still no package")).await;
    let none = "neither X-Terraform-Get nor a `terraform-get` tag says where a package is";
    refused(&server, "/empty", &strange("empty", none)).await;
}

#[tokio::test]
async fn a_server_that_lies_about_the_content_is_found_out() {
    let server = Server::start().await;
    let right = "sha256:7f5f8e02e1c0a4d3d0d9f4d0a4c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a0";
    server.on("/p.zip", body("x"));
    let of = |digest: &str| format!("/p.zip?checksum={digest}");
    refused(
        &server,
        &of(right),
        &format!(
            "module-digest: module a: the digest of p.zip is not the one that was promised: expected {right}\n\
             found    sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\n  \
             hint: do not use the package before its maker has explained the difference; then change `?checksum=`"
        ),
    )
    .await;
    // The length of a digest tells how it was made.
    refused(
        &server,
        &of("d41d8cd98f00b204e9800998ecf8427e"),
        "module-digest: module a: the digest of p.zip is not the one that was promised: \
         expected md5:d41d8cd98f00b204e9800998ecf8427e\nfound    md5:9dd4e461268c8034f5c8564e155c67a6\n  \
         hint: do not use the package before its maker has explained the difference; then change `?checksum=`",
    )
    .await;
    server.only("/p.zip", body("PK not a zip"));
    let list = "/p.zip?checksum=file:".to_owned() + &server.url + "/SHA1SUMS";
    server.on("/SHA1SUMS", body("0000000000000000000000000000000000000000  other.zip\n"));
    refused(
        &server,
        &list,
        "module-server: module a: URL/SHA1SUMS sent what a server of modules does not send: \
         the list of digests has no line for `p.zip`\n  \
         hint: ask who runs the server; it is no fault of the configuration",
    )
    .await;
}

#[tokio::test]
async fn the_right_digest_is_accepted() {
    let server = Server::start().await;
    // An empty archive, whose bytes are known.
    let empty = zip(&[]);
    assert_eq!(empty.len(), 22);
    server.on("/p.zip", body(empty));
    server.on("/sums", body("b04f3ee8f5e43fa3b162981b50bb72fe1acabb33  dist/p.zip\n"));
    for digest in ["md5:76cdb2bad9582d23c1f6f4d868218d6c".to_owned(), format!("file:{}/sums", server.url)] {
        let project = Project::new();
        let source = format!("{}/p.zip?checksum={digest}", server.url);
        assert_eq!(project.outcome(&[call("a", &source)]).await, "a .terraform/modules/a");
    }
}

#[tokio::test]
async fn requests_are_sent_again_while_the_failure_is_passing() {
    let server = Server::start().await;
    server.on("/p.zip", status(503)).on("/p.zip", status(429)).on("/p.zip", body(package()));
    let project = Project::new();
    let source = format!("{}/p.zip", server.url);
    assert_eq!(project.outcome(&[call("a", &source)]).await, "a .terraform/modules/a");
    assert_eq!(project.events(), format!("fetching {source} for a\nagain\nagain\na in .terraform/modules/a"));
    server.on("/gone.zip", body("").header("x", "y"));
    server.only("/gone.zip", status(404));
    server.seen();
    refused(
        &server,
        "/gone.zip",
        "module-fetch: module a: URL/gone.zip answered 404\n  hint: check the address",
    )
    .await;
    assert_eq!(server.seen(), "/gone.zip", "what is not there is asked for once");
    server.on("/broken.zip", status(500));
    refused(&server, "/broken.zip", "module-fetch: module a: URL/broken.zip answered 500").await;
    assert_eq!(server.seen(), "/broken.zip\n/broken.zip\n/broken.zip");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_without_secrets() {
    let project = Project::new();
    let outcome = project.outcome(&[call("a", "http://me:secret@127.0.0.1:1/p.zip?token=secret")]).await;
    assert!(
        outcome.starts_with("module-fetch: module a: no answer from http://me:***@127.0.0.1:1/p.zip: "),
        "{outcome}"
    );
    assert!(!outcome.contains("secret"), "{outcome}");
    assert!(outcome.contains("hint: check the address and the network"), "{outcome}");
}

#[tokio::test]
async fn ways_that_are_not_supported_say_so() {
    let project = Project::new();
    for (source, kind) in [
        ("s3::https://s3.amazonaws.com/b/k.zip", "s3"),
        ("gcs::https://www.googleapis.com/storage/v1/b/x", "gcs"),
        ("hg::https://example.com/x", "hg"),
        ("ssh://git@example.com/x", "ssh"),
    ] {
        assert_eq!(
            project.outcome(&[call("a", source)]).await,
            format!(
                "module-source-unsupported: module a: modules cannot be fetched with `{kind}`\n  \
                 hint: publish the package over HTTPS, in a git repository, or in a registry"
            )
        );
    }
}
