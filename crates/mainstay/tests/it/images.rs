//! Images in registries, from the command line: pushed, pulled as a base, and run by their references.

use testkit::registry::{Door, PASSWORD, Registry, USER};

use crate::project::{Project, hello};

/// Why containers cannot be run here, printed.
fn is_without_containers() -> bool {
    let without = !nix::unistd::geteuid().is_root();
    if without {
        println!("skipped: containers are run as root here");
    }
    without
}

/// What a command with `--json` came to: its last line.
fn told(out: &str) -> serde_json::Value {
    serde_json::from_str(out.lines().last().unwrap_or_default()).unwrap_or_else(|e| panic!("{e}: {out}"))
}

/// A project that builds the test server into an image, of a release.
fn building(release: &str, more: &str) -> Project {
    let project = Project::new("");
    project.write("mainstay.hcl", &building_text(release, more));
    project
}

fn building_text(release: &str, more: &str) -> String {
    let hello = hello();
    format!(
        "project {{\n  name = \"build\"\n{more}}}\n\nimage \"hello\" {{\n  programs   = [\"{hello}\"]\n  entrypoint = [\"{hello}\"]\n  \
         env        = {{ RELEASE = \"{release}\" }}\n}}\n"
    )
}

/// A project whose service runs an image by a reference.
fn running(image: &str) -> String {
    format!(
        r#"project {{
  name = "run"
}}

variable "tag" {{
  type    = string
  default = "1"
}}

service "web" {{
  image = "{image}"

  port "http" {{
    container = 8080
  }}
  health {{
    http     = "/healthz"
    interval = "100ms"
  }}
  route {{
    host = "hello.localhost"
  }}
  rollout {{
    min_healthy       = "200ms"
    progress_deadline = "20s"
  }}
}}
"#
    )
}

#[test]
fn a_service_runs_the_image_that_its_tag_stood_for_until_it_is_deployed_again() {
    if is_without_containers() {
        return;
    }
    let Some(mut registry) = Registry::start(Door::Open) else { return };
    let app = format!("{}/shop/hello", registry.name());
    let maker = building("one", "");
    maker.run(&["image", "build"]).exits(0);
    maker.run(&["image", "push", "hello", &format!("{app}:1")]).exits(0);

    let project = Project::new(&running(&format!("{app}:${{var.tag}}")));
    project.run(&["up", "--yes", "--detach"]).exits(0);
    let answer = || project.get("hello.localhost", "/").1;
    assert_eq!(answer(), "hello from release one");

    // The tag moves, and nothing else does.
    maker.write("mainstay.hcl", &building_text("two", ""));
    maker.run(&["image", "build"]).exits(0);
    maker.run(&["image", "push", "hello", &format!("{app}:1")]).exits(0);
    let pushed = maker.run(&["image", "push", "hello", &format!("{app}:next"), "--json"]).exits(0);
    let second = told(&pushed.out)["digest"].as_str().unwrap().to_owned();
    let fetched = registry.requests("GET", "/blobs/");
    let planned = project.run(&["plan", "--var", "tag=next"]).exits(0);
    assert!(planned.out.contains(&second[..19]), "{}", planned.out);
    assert_eq!(registry.requests("GET", "/blobs/"), fetched, "a plan fetches nothing");
    project.run(&["plan", "--detailed-exitcode"]).exits(0);
    project.run(&["up", "--yes", "--detach"]).exits(0);
    assert_eq!(answer(), "hello from release one");
    project.run(&["deploy", "web", "--yes"]).exits(0);
    assert_eq!(answer(), "hello from release two");

    // Going back needs no registry, nor does a plan of what is pinned.
    registry.kill();
    project.run(&["plan", "--detailed-exitcode"]).exits(0);
    project.run(&["rollback", "--yes"]).exits(0);
    assert_eq!(answer(), "hello from release one");
    let refused = project.run(&["apply", "--yes", "--var", "tag=2"]).exits(2);
    assert!(
        refused.err.contains("cannot be reached") && refused.err.contains("run it again"),
        "{}",
        refused.err
    );
    assert_eq!(answer(), "hello from release one");

    registry.resume();
    let missing = project.run(&["apply", "--yes", "--var", "tag=2"]).exits(2);
    assert!(missing.err.contains(&format!("there is no image {app}:2")), "{}", missing.err);
    assert_eq!(answer(), "hello from release one");

    // What the history names stays, here and at the agent.
    let pruned = told(&project.run(&["image", "prune", "--json"]).exits(0).out);
    assert!(pruned["clusters"][0]["fault"].is_null(), "{pruned}");
    assert_eq!(pruned["clusters"][0]["images"], 0, "{pruned}");
    registry.kill();
    let history = project.run(&["history", "--json"]).exits(0).json();
    let deployed = history.as_array().unwrap().iter().find(|it| it["kind"] == "deploy").unwrap();
    project.run(&["rollback", deployed["revision"].as_str().unwrap(), "--yes"]).exits(0);
    assert_eq!(answer(), "hello from release two");
}

#[test]
fn a_pull_that_fails_changes_nothing() {
    if is_without_containers() {
        return;
    }
    let Some(registry) = Registry::start(Door::Open) else { return };
    let app = format!("{}/shop/hello", registry.name());
    let maker = building("one", "");
    maker.run(&["image", "build"]).exits(0);
    maker.run(&["image", "push", "hello", &format!("{app}:1")]).exits(0);
    let project = Project::new(&running(&format!("{app}:${{var.tag}}")));
    project.run(&["up", "--yes", "--detach"]).exits(0);
    maker.write("mainstay.hcl", &building_text("two", ""));
    maker.run(&["image", "build"]).exits(0);
    let pushed = maker.run(&["image", "push", "hello", &format!("{app}:2"), "--json"]).exits(0);
    let pushed = told(&pushed.out);
    // The registry has lost the new configuration since.
    let raw = std::fs::read(registry.blob(pushed["digest"].as_str().unwrap().trim_start_matches("sha256:")))
        .unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&raw).unwrap();
    let config = manifest["config"]["digest"].as_str().unwrap().trim_start_matches("sha256:");
    std::fs::remove_file(registry.blob(config)).unwrap();

    let before = project.run(&["history", "--json"]).exits(0).out;
    let failed = project.run(&["apply", "--yes", "--var", "tag=2"]).exits(1);
    assert!(failed.err.contains("does not have the blob"), "{}", failed.err);
    assert_eq!(project.get("hello.localhost", "/").1, "hello from release one");
    assert_eq!(project.run(&["history", "--json"]).exits(0).out, before, "there was no deployment");
    project.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn an_image_is_built_on_one_in_a_registry_that_wants_a_password() {
    let Some(mut registry) = Registry::start(Door::Password) else { return };
    let base = format!("{}/shop/base:1", registry.name());
    let set = format!(
        "  registry \"{}\" {{\n    username     = \"{USER}\"\n    password_env = \"BASE_PASSWORD\"\n  }}\n",
        registry.name()
    );
    let maker = building("base", &set);
    maker.run(&["image", "build"]).exits(0);
    let refused = maker.run(&["image", "push", "hello", &base]).exits(1);
    assert!(refused.err.contains("BASE_PASSWORD") && refused.err.contains("is not set"), "{}", refused.err);
    let with_password = |project: &Project, arguments: &[&str]| {
        let output = project.command(arguments).env("BASE_PASSWORD", PASSWORD).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (out, err) = (text(output.stdout), text(output.stderr));
        assert!(!out.contains(PASSWORD) && !err.contains(PASSWORD));
        assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
        (out, err)
    };
    with_password(&maker, &["image", "push", "hello", &base]);

    let project = Project::new("");
    project.write("note", "on top");
    project.write(
        "mainstay.hcl",
        &format!(
            "project {{\n  name = \"derived\"\n{set}}}\n\nimage \"derived\" {{\n  base = \"{base}\"\n  file {{\n    source      = \"note\"\n    \
             destination = \"/note\"\n  }}\n}}\n"
        ),
    );
    let (out, _) = with_password(&project, &["image", "build", "--json"]);
    let digest = |out: &str| told(out)[0]["digest"].clone();
    let first = digest(&out);

    // The registry is away: what was pulled last is taken, and that is said.
    registry.kill();
    let (out, _) = with_password(&project, &["image", "build", "--json"]);
    assert_eq!(digest(&out), first);
    assert!(out.contains("is taken as it was pulled last"), "{out}");
    std::fs::remove_dir_all(project.path().join(".mainstay/images")).unwrap();
    let failed = project.run(&["image", "build"]).exits(1);
    assert!(
        failed.err.contains("the base could not be pulled") && failed.err.contains("cannot be reached"),
        "{}",
        failed.err
    );
}

#[test]
fn a_program_that_keeps_dockers_credentials_is_asked_for_them() {
    use std::os::unix::fs::PermissionsExt;
    let Some(registry) = Registry::start(Door::Password) else { return };
    let maker = building("one", "");
    maker.run(&["image", "build"]).exits(0);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), r#"{"credsStore":"tests"}"#).unwrap();
    let keeper = folder.path().join("docker-credential-tests");
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
    let push = |script: &str| {
        // Closed before it is run: a file that is still open for writing cannot be.
        std::fs::write(&keeper, script).unwrap();
        std::fs::set_permissions(&keeper, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut command =
            maker.command(&["image", "push", "hello", &format!("{}/shop/hello:1", registry.name())]);
        command.env("PATH", &path).env("DOCKER_CONFIG", folder.path()).output().unwrap()
    };
    let failed = push("#!/bin/sh\necho the keyring is locked\nexit 1\n");
    let text = String::from_utf8_lossy(&failed.stderr);
    assert_eq!(failed.status.code(), Some(1));
    assert!(text.contains("`docker-credential-tests`") && text.contains("the keyring is locked"), "{text}");
    let name = registry.name();
    let done = push(&format!(
        "#!/bin/sh\n[ \"$1\" = get ] && [ \"$(cat)\" = {name} ] || exit 2\necho '{{\"Username\":\"{USER}\",\"Secret\":\"{PASSWORD}\"}}'\n"
    ));
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_registry_block_that_is_wrong_is_said_to_be_so() {
    let project = Project::new(
        "project {\n  name = \"x\"\n  registry \"r.example\" {\n    username = \"ann\"\n  }\n}\n",
    );
    let refused = project.run(&["validate"]).exits(2);
    assert!(refused.err.contains("`password_env` is missing"), "{}", refused.err);
    let refused = project.run(&["image", "pull", "nginx"]).exits(2);
    assert!(
        refused.err.contains("names no registry") || refused.err.contains("password_env"),
        "{}",
        refused.err
    );
}

#[test]
fn an_image_is_built_on_an_archive_of_dockers() {
    let Some(skopeo) = testkit::registry::program("skopeo") else {
        println!("skipped: there is no `skopeo` here (`apt-get install skopeo`)");
        return;
    };
    let maker = building("one", "");
    maker.run(&["image", "build"]).exits(0);
    let project = Project::new("");
    let from = format!("oci:{}:hello", maker.path().join(".mainstay/images").display());
    let to = format!("docker-archive:{}:hello:1", project.path().join("base.tar").display());
    let copied =
        std::process::Command::new(skopeo).args(["--insecure-policy", "copy", &from, &to]).output().unwrap();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    project.write("note", "on top");
    let image = |base: &str| {
        format!(
            "project {{\n  name = \"archived\"\n}}\n\nimage \"archived\" {{\n  base = \"{base}\"\n  file {{\n    source      = \"note\"\n    \
             destination = \"/note\"\n  }}\n}}\n"
        )
    };
    project.write("mainstay.hcl", &image("base.tar"));
    let first = told(&project.run(&["image", "build", "--json"]).exits(0).out);
    let again = told(&project.run(&["image", "build", "--json"]).exits(0).out);
    assert_eq!((&again[0]["digest"], &again[0]["changed"]), (&first[0]["digest"], &false.into()));
    project.write("mainstay.hcl", &image("note"));
    let failed = project.run(&["image", "build"]).exits(1);
    assert!(failed.err.contains("is no archive of an image"), "{}", failed.err);
}

#[test]
fn an_image_is_built_on_packages_of_debian_which_are_fetched_once() {
    if testkit::registry::program("mmdebstrap").is_none() {
        println!("skipped: there is no `mmdebstrap` here (`apt-get install mmdebstrap`)");
        return;
    }
    let project = Project::new("");
    let image = |suite: &str, more: &str| {
        format!(
            "project {{\n  name = \"debian\"\n}}\n\nimage \"box\" {{\n{more}  debian {{\n    suite    = \"{suite}\"\n    \
             packages = [\"busybox\"]\n  }}\n}}\n"
        )
    };
    project.write("mainstay.hcl", &image("bookworm", "  base = \"x.tar\"\n"));
    let refused = project.run(&["image", "build"]).exits(2);
    assert!(refused.err.contains("`base` and `debian` exclude each other"), "{}", refused.err);
    project.write("mainstay.hcl", &image("--help", ""));
    let refused = project.run(&["image", "build"]).exits(2);
    assert!(refused.err.contains("is no release of Debian"), "{}", refused.err);

    project.write("mainstay.hcl", &image("bookworm", ""));
    let built = project.run(&["image", "build", "--json"]);
    let away = ["Could not resolve", "Failed to fetch", "Could not connect", "Temporary failure"];
    if built.code != Some(0) && away.iter().any(|words| built.err.contains(words)) {
        println!("skipped: Debian's archive cannot be had here");
        return;
    }
    let built = built.exits(0).out;
    assert!(built.contains("making a root of"), "{built}");
    let digest = told(&built)[0]["digest"].clone();
    let again = project.run(&["image", "build", "--json"]).exits(0).out;
    assert!(!again.contains("asking for the packages"), "{again}");
    assert_eq!(told(&again)[0]["digest"], digest);
    let refreshed = project.run(&["image", "build", "--refresh", "--json"]).exits(0).out;
    assert!(
        refreshed.contains("asking for the packages") && !refreshed.contains("making a root"),
        "{refreshed}"
    );
    project.run(&["image", "prune"]).exits(0);
    let listed = told(&project.run(&["image", "list", "--json"]).exits(0).out).to_string();
    assert!(listed.contains("debian/bookworm-"), "{listed}");
}
