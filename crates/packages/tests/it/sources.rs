//! Texts of sources: what they mean, and what is said of those that mean nothing. The forms and their limits are those that
//! Terraform 1.11.4 showed.

use packages::{ModuleRequest, Package, Places, Source};

use crate::fixtures::told;

fn meaning(text: &str) -> String {
    let source = match Source::parse(text) {
        Ok(source) => source,
        Err(fault) => return format!("fault: {fault}"),
    };
    let kind = match &source {
        Source::Local(_) => "local",
        Source::Registry(_) => "registry",
        Source::Remote(remote) => match &remote.package {
            Package::Git(_) => "git",
            Package::Http(_) => "http",
            Package::File { .. } => "file",
            Package::Unsupported { .. } => "unsupported",
        },
    };
    format!("{kind} {}", source.address())
}

fn check(text: &str, expect: &str) {
    assert_eq!(meaning(text), expect, "{text}");
    // What is written into the manifest means the same when it is read.
    if let Ok(source) = Source::parse(text) {
        assert_eq!(Source::parse(&source.address()), Ok(source), "{text}");
    }
}

#[test]
fn folders_beside_the_module_start_with_a_point() {
    check("./x", "local ./x");
    check("../x", "local ../x");
    check("./", "local ./");
    check(".//m/../m/", "local ./m");
    check("./a/../../b", "local ../b");
    check("../", "local ../");
    check(".\\a\\b", "local ./a/b");
    check("./x?ref=1", "local ./x?ref=1");
    check(".", "fault: `.` is not a source that a module can come from");
    check("..", "fault: `..` is not a source that a module can come from");
    check("child", "fault: `child` is not a source that a module can come from");
    check("~/x", "fault: `~/x` is not a source that a module can come from");
    check(" ./x", "fault: ` ./x` is not a source that a module can come from");
    check("", "fault: the source is empty");
}

#[test]
fn modules_of_registries_have_three_or_four_parts() {
    check("hashicorp/consul/aws", "registry registry.terraform.io/hashicorp/consul/aws");
    check("app.terraform.io/a/b/c", "registry app.terraform.io/a/b/c");
    check("Example.COM:8443/a/b/c", "registry example.com:8443/a/b/c");
    check("example.com:443/a/b/c", "registry example.com/a/b/c");
    check("127.0.0.1:1/a/b/c", "registry 127.0.0.1:1/a/b/c");
    check("gitlab.com/a/b/c", "registry gitlab.com/a/b/c");
    check("a_b/c--d/1x", "registry registry.terraform.io/a_b/c--d/1x");
    check("a/b/c//d//e/./", "registry registry.terraform.io/a/b/c//d/e");
    check("a/b/c//", "registry registry.terraform.io/a/b/c");
    check("a/b/c//x/../..", "fault: `x/../..` leads outside of the module's package");
    for text in [
        "a/b",
        "a/b/C",
        "a/b/c_d",
        "-a/b/c",
        "a/b_/c",
        "a/b/c/d/e",
        "example/a/b/c",
        "a/b/c?ref=x",
        "a/b/c//x?y",
    ] {
        check(text, &format!("fault: `{text}` is not a source that a module can come from"));
    }
}

#[test]
fn git_repositories_have_short_forms() {
    check("git::https://example.com/a.git", "git git::https://example.com/a.git");
    check(
        "git::https://example.com/a.git//x/y?ref=v1&depth=1",
        "git git::https://example.com/a.git//x/y?ref=v1&depth=1",
    );
    check("git::https://example.com/a.git?ref=v1", "git git::https://example.com/a.git?ref=v1");
    check("git::ssh://git@example.com:22/a//y?ref=1", "git git::ssh://git@example.com:22/a//y?ref=1");
    check("git@github.com:a/b.git//x?ref=v1", "git git::ssh://git@github.com/a/b.git//x?ref=v1");
    check("git::user@example.com:a/b.git", "git git::ssh://user@example.com/a/b.git");
    check(
        "user@example.com:a/b.git",
        "fault: `user@example.com:a/b.git` is not a source that a module can come from",
    );
    check("github.com/a/b", "git git::https://github.com/a/b.git");
    check("github.com/a/b.git//x?ref=1", "git git::https://github.com/a/b.git//x?ref=1");
    check("github.com/a/b/c", "git git::https://github.com/a/b.git//c");
    check("git::github.com/a/b", "git git::https://github.com/a/b.git");
    check("bitbucket.org/a/b", "git git::https://bitbucket.org/a/b.git");
    check("github.com/a", "fault: a source of github.com names an owner and a repository");
    check("git::/tmp/repo", "git git::file:///tmp/repo");
    check("git://example.com/a", "git git://example.com/a");
    check("git::./repo", "fault: `git::./repo` is not a source that a module can come from");
    check("git::", "fault: `git::` is not a source that a module can come from");
}

#[test]
fn nothing_is_smuggled_into_git() {
    let fault = |name: &str, reason: &str| format!("fault: `ref={name}` is not understood: {reason}");
    let git = |reference: &str| format!("git::https://example.com/a.git?ref={reference}");
    check(&git("--upload-pack=x"), &fault("--upload-pack=x", "it would be taken for an option"));
    check(&git("a:b"), &fault("a:b", "no branch and no tag can have such a name"));
    check(&git("%2Ba"), &fault("+a", "it is an expression, not a name"));
    check(&git("a..b"), &fault("a..b", "it is an expression, not a name"));
    check(&git("a%0Ab"), &fault("a\nb", "no branch and no tag can have such a name"));
    check(&git("feature/x"), "git git::https://example.com/a.git?ref=feature/x");
    check("git::ext::sh -c id", "fault: `git::ext::sh -c id` is not a source that a module can come from");
    check("git::ext://x", "fault: the URL cannot be read: git does not fetch from `ext://`");
    check(
        "git::ssh://-oProxyCommand=x/a",
        "fault: the URL cannot be read: a host and a user do not start with `-`",
    );
    check(
        "git@-oProxyCommand=x:a",
        "fault: `git@-oProxyCommand=x:a` is not a source that a module can come from",
    );
    check(
        "git::https://example.com/a?depth=x",
        "fault: `depth=x` is not understood: it is no number of commits",
    );
    check(
        "git::https://example.com/a?sshkey=c2VjcmV0",
        "fault: `sshkey=…` is not understood: a private key does not belong into an address; use the SSH agent",
    );
}

#[test]
fn archives_and_other_places_are_urls() {
    check("https://example.com/x.zip//sub?archive=tgz", "http https://example.com/x.zip//sub?archive=tgz");
    check("http::https://example.com/x", "http http::https://example.com/x");
    check("https://github.com/a/b", "http https://github.com/a/b");
    check("https://example.com/x//inner/?a=b", "http https://example.com/x//inner?a=b");
    check("https://example.com/x.zip//../y", "fault: `../y` leads outside of the module's package");
    check("/tmp/x//y", "file file:///tmp/x//y");
    check("file:///tmp", "file file:///tmp");
    check(
        "file://tmp",
        "fault: the URL cannot be read: `file://` is followed by an absolute path, so by a third `/`",
    );
    check("s3::https://s3.amazonaws.com/b/k.zip", "unsupported s3::https://s3.amazonaws.com/b/k.zip");
    check("bucket.s3.amazonaws.com/k.zip", "unsupported s3::https://bucket.s3.amazonaws.com/k.zip");
    check("www.googleapis.com/storage/v1/b/x", "unsupported gcs::https://www.googleapis.com/storage/v1/b/x");
    check("hg::https://example.com/x", "unsupported hg::https://example.com/x");
    check("ftp://example.com/x", "unsupported ftp://example.com/x");
    check("foo::bar", "fault: `foo::bar` is not a source that a module can come from");
    check(
        "foo::https://example.com",
        "fault: `foo::https://example.com` is not a source that a module can come from",
    );
    check(
        "https://example.com/x?archive=rar",
        "fault: `archive=rar` is not understood: it is no kind of archive",
    );
    check(
        "https://example.com/x.zip?checksum=md5:0",
        "fault: `checksum=md5:0` is not understood: md5 has 32 hexadecimal digits",
    );
    check(
        "https://example.com/x.zip?checksum=crc:0",
        "fault: `checksum=crc:0` is not understood: `crc` is none of md5, sha1, sha256, sha512 and file",
    );
}

#[test]
fn passwords_are_not_shown() {
    let shown = |text: &str| Source::parse(text).unwrap().to_string();
    assert_eq!(shown("git::https://me:secret@example.com/a"), "git::https://me:***@example.com/a");
    assert_eq!(shown("git@github.com:a/b.git"), "git::ssh://git@github.com/a/b.git");
    assert_eq!(shown("https://ghp_0123456789abcdefghij@example.com/a.zip"), "https://***@example.com/a.zip");
}

#[test]
fn every_fault_of_a_call_is_told() {
    let check = |source: &str, version: Option<&str>, expect: &str| {
        let found = ModuleRequest::parse("a", source, version, ".", Places::default());
        assert_eq!(told(&found.unwrap_err()), expect);
    };
    check(
        "network",
        Some("about 1"),
        "module-version: this is not a version constraint: `about 1` is not a version: it has to start with a number\n  \
         hint: write conditions with commas between them, such as `~> 1.2` or `>= 1.2, < 2.0`\n\
         module-source: `network` is not a source that a module can come from\n  \
         hint: a folder beside this module is written `./network`; a registry's module has three or four parts, \
         `[host/]namespace/name/provider`",
    );
    check(
        "./network",
        Some("1.0"),
        "module-source: `./network` is not in a registry, and only modules of a registry have versions\n  \
         hint: remove `version`; a git source names its version with `?ref=`",
    );
    check(
        "svn://example.com",
        Some("1.0"),
        "module-source: `svn://example.com` is not in a registry, and only modules of a registry have versions\n  \
         hint: remove `version`; a git source names its version with `?ref=`",
    );
}
