//! Providers from folders: choosing, placing, locking, the shared cache, and finding again what is installed.

use std::path::Path;

use lang::ProviderAddress;
use packages::{
    CliConfiguration, InstallationMethod, InstalledProvider, LockMode, MethodKind, ProviderPattern, Version,
};

use crate::fixtures::told;
use crate::provider_fixtures::{Mirror, OTHER, Stack, archive, here, requirements, zip};

const FOO: &str = "acme/foo";

fn link(path: &Path) -> String {
    std::fs::read_link(path).map_or_else(|_| "no link".to_owned(), |it| it.display().to_string())
}

#[tokio::test]
async fn an_unpacked_package_is_linked_and_locked_and_then_found_without_looking() {
    let mirror = Mirror::new().unpacked(FOO, "1.0.0").unpacked(FOO, "1.2.0").unpacked(FOO, "2.0.0-beta1");
    let stack = Stack::new(&mirror);
    let wanted = [(FOO, "~> 1.0"), (FOO, "!= 1.1.0"), ("terraform.io/builtin/terraform", "")];
    assert_eq!(
        stack.outcome(&wanted).await,
        "built in terraform.io/builtin/terraform\nfinding acme/foo \"~> 1.0, != 1.1.0\"\ninstalling acme/foo 1.2.0\n\
         installed acme/foo 1.2.0 (unauthenticated)\nlock Created, incomplete [\"acme/foo\"]"
    );
    let real = mirror.path().canonicalize().unwrap();
    let target = real.join(format!("registry.terraform.io/acme/foo/1.2.0/{}", here()));
    assert_eq!(link(&stack.package(FOO, "1.2.0")), target.display().to_string());
    let before = stack.lock();
    assert!(before.contains("constraints = \"~> 1.0, != 1.1.0\"\n  hashes = [\n    \"h1:"), "{before}");
    // Now the mirror can go: nothing is looked for any more.
    let wanted = [(FOO, ">= 1.2.0"), ("terraform.io/builtin/terraform", "")];
    assert_eq!(
        stack.outcome(&wanted).await,
        "built in terraform.io/builtin/terraform\nreusing acme/foo\npresent acme/foo 1.2.0\nlock None, incomplete []"
    );
    assert_eq!(stack.lock(), before, "constraints alone are no reason to write");
    let found = stack.installed().find(&ProviderAddress::of_source(FOO)).unwrap();
    let InstalledProvider::Program { path, version, hash } = found else { panic!("{found:?}") };
    assert_eq!((path.is_file(), version), (true, Version::parse("1.2.0").unwrap()));
    assert!(before.contains(&hash));
}

#[tokio::test]
async fn a_packed_package_is_unpacked_and_its_program_can_be_run() {
    let mirror = Mirror::new().packed(FOO, "1.0.0");
    // As made on a system without such rights.
    let plain =
        zip(&[("terraform-provider-foo.exe", "text", 0o644), ("docs/", "", 0o755), ("docs/a", "b", 0o644)]);
    mirror.archive(FOO, "1.1.0", &here(), &plain);
    let stack = Stack::new(&mirror);
    stack.install(&[(FOO, "1.0.0")]).await.unwrap();
    let text =
        std::fs::read_to_string(stack.package(FOO, "1.0.0").join("terraform-provider-foo_v1.0.0")).unwrap();
    assert!(text.contains("acme/foo 1.0.0"));
    let mut stack = stack;
    stack.upgraded(&[(FOO, "1.1.0")]).await;
    use std::os::unix::fs::PermissionsExt;
    let program = stack.package(FOO, "1.1.0").join("terraform-provider-foo.exe");
    assert_eq!(std::fs::metadata(program).unwrap().permissions().mode() & 0o777, 0o755);
    let entries = std::fs::read_dir(stack.path().join(".terraform/providers")).unwrap();
    let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [".mainstay-installing", "registry.terraform.io"], "nothing is left behind");
}

#[tokio::test]
async fn the_locked_version_stays_until_an_upgrade_and_what_is_not_required_leaves_the_lock() {
    let mirror = Mirror::new().unpacked(FOO, "1.0.0").unpacked("bar", "1.0.0");
    let mut stack = Stack::new(&mirror);
    stack.install(&[(FOO, ""), ("bar", "")]).await.unwrap();
    let mirror = mirror.unpacked(FOO, "1.5.0");
    stack.events();
    assert_eq!(
        stack.outcome(&[(FOO, "")]).await,
        "reusing acme/foo\npresent acme/foo 1.0.0\nlock Changed, incomplete []"
    );
    assert!(!stack.lock().contains("hashicorp/bar"));
    let upgraded = stack.upgraded(&[(FOO, "")]).await;
    assert!(upgraded.contains("installed acme/foo 1.5.0"), "{upgraded}");
    assert_eq!(
        stack.outcome(&[(FOO, "< 1.5.0")]).await,
        "reusing acme/foo\nprovider-versions: Could not retrieve the list of available versions for provider \
         acme/foo: locked provider registry.terraform.io/acme/foo 1.5.0 does not match configured version constraint \
         < 1.5.0\n  hint: must use `terraform init -upgrade` to allow selection of new versions"
    );
    std::fs::remove_dir_all(mirror.path().join("registry.terraform.io/acme/foo/1.5.0")).unwrap();
    let gone = stack.outcome(&[(FOO, "")]).await;
    assert!(gone.contains("the previously-selected version 1.5.0 is no longer available"), "{gone}");
    assert_eq!(stack.outcome(&[]).await, "lock Changed, incomplete []");
    assert_eq!(stack.lock().lines().count(), 2);
}

#[tokio::test]
async fn what_no_version_suits_is_told_at_the_place_that_refuses_the_newest() {
    let mirror = Mirror::new().unpacked(FOO, "1.0.0").unpacked("pre", "1.0.0-rc1");
    let stack = Stack::new(&mirror);
    let wanted = [(FOO, ">= 1.0.0"), (FOO, "> 3"), ("nope", ""), ("pre", "")];
    let faults = stack.install(&wanted).await.unwrap_err();
    assert_eq!(
        told(&faults).replace(&mirror.path().display().to_string(), "MIRROR"),
        "provider-versions: Could not retrieve the list of available versions for provider acme/foo: no available \
         releases match the given constraints >= 1.0.0, > 3.0.0; the newest version is 1.0.0\n  \
         hint: change the constraints; `terraform providers` lists the modules that depend on acme/foo\n\
         provider-versions: Could not retrieve the list of available versions for provider hashicorp/nope: provider \
         registry.terraform.io/hashicorp/nope was not found in any of the search locations\n\n  - MIRROR\n  \
         hint: put it there, or allow another way in provider_installation of the CLI configuration\n\
         provider-versions: Could not retrieve the list of available versions for provider hashicorp/pre: there are \
         no available releases, only pre-releases\n  hint: name the version exactly to use a pre-release"
    );
    assert_eq!(faults.0[0].span.unwrap().start, 1);
    assert!(stack.install(&[("pre", "1.0.0-rc1")]).await.is_ok());
}

#[tokio::test]
async fn a_package_that_is_not_the_locked_one_is_refused_and_not_found() {
    let mirror = Mirror::new().unpacked(FOO, "1.0.0");
    let stack = Stack::new(&mirror);
    stack.install(&[(FOO, "")]).await.unwrap();
    stack.events();
    let program = stack.package(FOO, "1.0.0").join("terraform-provider-foo_v1.0.0");
    std::fs::write(program, "another").unwrap();
    let outcome = stack.outcome(&[(FOO, "")]).await;
    assert!(
        outcome.starts_with(
            "reusing acme/foo\ninstalling acme/foo 1.0.0\nprovider-not-locked: Error while installing acme/foo \
             v1.0.0: the package of registry.terraform.io/acme/foo 1.0.0 doesn't match any of the checksums of the \
             lock file\nfound:\n  - h1:"
        ),
        "{outcome}"
    );
    let fault = stack.installed().find(&ProviderAddress::of_source(FOO)).unwrap_err();
    assert_eq!(
        told(&fault),
        "provider-not-installed: the required providers are not installed:   - registry.terraform.io/acme/foo: the \
         installed package of version 1.0.0 does not match any of the checksums recorded in the dependency lock \
         file\n  hint: to install the providers of this configuration, run `terraform init`"
    );
}

#[tokio::test]
async fn what_is_missing_is_told_with_the_way_out() {
    let mirror = Mirror::new().unpacked(FOO, "1.0.0");
    let stack = Stack::new(&mirror);
    let check = |wanted: &[(&str, &str)]| match stack.installed().check(&requirements(wanted)) {
        Ok(()) => "right".to_owned(),
        Err(faults) => told(&faults),
    };
    assert_eq!(
        check(&[(FOO, ""), ("bar", "1.0.0")]),
        "provider-not-locked: the lock file does not fit the configuration:   - provider \
         registry.terraform.io/acme/foo: required by this configuration but no version is selected\n  - provider \
         registry.terraform.io/hashicorp/bar: required by this configuration but no version is selected\n  hint: to \
         make the initial dependency selections that will initialize the dependency lock file, run `terraform init`"
    );
    stack.install(&[(FOO, "")]).await.unwrap();
    assert_eq!(check(&[(FOO, ""), ("terraform.io/builtin/terraform", "")]), "right");
    let fault = check(&[(FOO, "!= 1.1.0, > 1")]);
    assert!(
        fault.contains("locked version selection 1.0.0 doesn't match the updated version constraints \"> 1.0.0, != 1.1.0\"")
            && fault.contains("init -upgrade"),
        "{fault}"
    );
    std::fs::remove_dir_all(stack.path().join(".terraform")).unwrap();
    let fault = check(&[(FOO, "")]);
    assert!(fault.contains("there is no package for version 1.0.0 installed"), "{fault}");
}

#[tokio::test]
async fn a_read_only_lock_is_heeded_and_kept() {
    let mirror = Mirror::new().unpacked(FOO, "1.0.0");
    let mut stack = Stack::new(&mirror);
    stack.setup.lock = LockMode::ReadOnly;
    let outcome = stack.outcome(&[(FOO, "")]).await;
    assert!(
        outcome.contains("provider-not-locked: the required providers are not those that are locked"),
        "{outcome}"
    );
    assert!(stack.lock().contains("No such file"));
    let text = "provider \"registry.terraform.io/acme/foo\" {\n  version = \"1.0.0\"\n}\n";
    stack.write(".terraform.lock.hcl", text);
    let outcome = stack.outcome(&[(FOO, "")]).await;
    assert!(outcome.contains("lock NotSaved"), "{outcome}");
    assert_eq!(stack.lock(), text);
}

#[tokio::test]
async fn the_cache_is_filled_then_linked_and_taken_where_the_lock_knows_it() {
    let mirror = Mirror::new().packed(FOO, "1.0.0");
    let cache = tempfile::tempdir().unwrap();
    let new = || {
        let mut stack = Stack::new(&mirror);
        stack.settings(|it| it.cache = Some(cache.path().to_owned()));
        stack
    };
    let first = new();
    assert!(first.outcome(&[(FOO, "")]).await.contains("installed acme/foo 1.0.0"));
    let kept = cache.path().canonicalize().unwrap();
    let kept = kept.join(format!("registry.terraform.io/acme/foo/1.0.0/{}", here()));
    assert_eq!(link(&first.package(FOO, "1.0.0")), kept.display().to_string());
    // Without a lock nobody vouches for the cache.
    let mut second = new();
    assert!(second.outcome(&[(FOO, "")]).await.contains("installing acme/foo 1.0.0"));
    second.settings(|it| it.cache_may_break_lock = true);
    std::fs::remove_file(second.path().join(".terraform.lock.hcl")).unwrap();
    assert_eq!(
        second.outcome(&[(FOO, "")]).await,
        "finding acme/foo \"\"\ncached acme/foo 1.0.0\nlock Created, incomplete [\"acme/foo\"]"
    );
    let third = new();
    third.write(".terraform.lock.hcl", &first.lock());
    assert_eq!(
        third.outcome(&[(FOO, "")]).await,
        "reusing acme/foo\ncached acme/foo 1.0.0\nlock None, incomplete []"
    );
    // What is damaged in the cache is fetched again.
    std::fs::write(kept.join("terraform-provider-foo_v1.0.0"), "damaged").unwrap();
    std::fs::remove_dir_all(third.path().join(".terraform")).unwrap();
    assert!(third.outcome(&[(FOO, "")]).await.contains("installed acme/foo 1.0.0"));
}

#[tokio::test]
async fn each_way_is_for_the_providers_that_its_patterns_name() {
    let (one, two) =
        (Mirror::new().unpacked(FOO, "1.0.0").unpacked("bar", "1.0.0"), Mirror::new().unpacked(FOO, "2.0.0"));
    let way = |mirror: &Mirror, include: Option<&[&str]>, exclude: &[&str]| InstallationMethod {
        kind: MethodKind::FilesystemMirror(mirror.path().to_owned()),
        include: include.map(|it| it.iter().map(|text| ProviderPattern::parse(text).unwrap()).collect()),
        exclude: exclude.iter().map(|text| ProviderPattern::parse(text).unwrap()).collect(),
    };
    let chosen = async |ways: Vec<InstallationMethod>| {
        let stack = Stack::by(ways);
        match stack.install(&[(FOO, "")]).await {
            Ok(installed) => installed.locks.all()[0].1.version.to_string(),
            Err(faults) => faults.0[0].detail.clone().unwrap(),
        }
    };
    assert_eq!(chosen(vec![way(&one, None, &[]), way(&two, None, &[])]).await, "2.0.0");
    assert_eq!(chosen(vec![way(&one, None, &[]), way(&two, None, &["acme/*"])]).await, "1.0.0");
    assert_eq!(
        chosen(vec![way(&one, Some(&["*/*/*"]), &[]), way(&two, Some(&["example.com/*/*"]), &[])]).await,
        "1.0.0"
    );
    let none = chosen(vec![way(&one, None, &["*/*"]), way(&two, Some(&["hashicorp/bar"]), &[])]).await;
    assert!(none.contains("no method of provider_installation is for it"), "{none}");
    for wrong in ["x", "*/foo", "a/b/c/d", "a/-b"] {
        assert!(ProviderPattern::parse(wrong).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn archives_that_lead_out_or_have_no_program_are_refused() {
    let mirror = Mirror::new();
    let stack = Stack::new(&mirror);
    mirror.archive(
        FOO,
        "1.0.0",
        &here(),
        &zip(&[("terraform-provider-foo", "x", 0o755), ("../../evil", "x", 0o644)]),
    );
    let outcome = stack.outcome(&[(FOO, "1.0.0")]).await;
    assert!(outcome.contains("a path that leads out of it, `../../evil`"), "{outcome}");
    mirror.archive(FOO, "1.1.0", &here(), &zip(&[("terraform-provider-food", "x", 0o755)]));
    let outcome = stack.outcome(&[(FOO, "1.1.0")]).await;
    assert!(outcome.contains("the package has no program terraform-provider-foo"), "{outcome}");
    mirror.archive(FOO, "1.2.0", &here(), b"no archive");
    let outcome = stack.outcome(&[(FOO, "1.2.0")]).await;
    assert!(outcome.contains("is damaged"), "{outcome}");
    mirror.archive(FOO, "1.3.0", OTHER, &archive(FOO, "1.3.0", OTHER));
    let outcome = stack.neutral(&stack.outcome(&[(FOO, "1.3.0")]).await);
    assert!(
        outcome.contains("provider registry.terraform.io/acme/foo 1.3.0 is not available for HERE"),
        "{outcome}"
    );
    assert!(!stack.path().join(".terraform/evil").exists() && !stack.package(FOO, "1.0.0").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn installers_at_the_same_time_do_not_disturb_each_other() {
    let mirror = Mirror::new().packed(FOO, "1.0.0");
    let cache = tempfile::tempdir().unwrap();
    let mut stack = Stack::new(&mirror);
    stack.settings(|it| it.cache = Some(cache.path().to_owned()));
    let mut other = Stack::new(&mirror);
    other.settings(|it| it.cache = Some(cache.path().to_owned()));
    let wanted = [(FOO, "")];
    let (a, b, c, d) = tokio::join!(
        stack.install(&wanted),
        stack.install(&wanted),
        other.install(&wanted),
        other.install(&wanted)
    );
    for done in [a, b, c, d] {
        done.unwrap();
    }
    for stack in [&stack, &other] {
        assert!(stack.installed().check(&requirements(&wanted)).is_ok());
    }
    assert_eq!(stack.lock(), other.lock());
}

#[tokio::test]
async fn what_a_killed_installation_left_is_cleared_away() {
    let stack = Stack::new(&Mirror::new().unpacked(FOO, "1.0.0"));
    stack.write(".terraform/providers/.staging-abc/package/half", "");
    let _ = stack.install(&[(FOO, "")]).await;
    assert!(!stack.path().join(".terraform/providers/.staging-abc").exists());
}

#[test]
fn providers_in_development_and_running_ones_need_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().display().to_string();
    std::fs::write(folder.path().join("terraform-provider-foo"), "").unwrap();
    let rc = "provider_installation {\n  dev_overrides {\n    \"acme/foo\" = \"HOME\"\n    \"acme/none\" = \"HOME/x\"\n  }\n  direct {}\n}\n";
    std::fs::write(folder.path().join(".terraformrc"), rc.replace("HOME", &home)).unwrap();
    let running = r#"{"acme/bar":{"Protocol":"grpc","ProtocolVersion":6,"Pid":7,"Test":true,"Addr":{"Network":"unix","String":"/tmp/x"}}}"#;
    let read = |running: &str| {
        let variables =
            [("HOME".to_owned(), home.clone()), ("TF_REATTACH_PROVIDERS".to_owned(), running.to_owned())];
        let (cli, told_of) = CliConfiguration::of_environment(variables);
        assert_eq!(told(&told_of), "");
        packages::InstalledProviders::read(&packages::Place::new(folder.path()), &cli)
    };
    let installed = read(running).unwrap();
    let find = |source: &str| installed.find(&ProviderAddress::of_source(source));
    let path = folder.path().join("terraform-provider-foo");
    assert_eq!(find(FOO).unwrap(), InstalledProvider::Development { path });
    let fault = told(&find("acme/none").unwrap_err());
    assert!(fault.contains("there is no terraform-provider-none in"), "{fault}");
    let found = find("acme/bar").unwrap();
    let InstalledProvider::Running(reattach) = found else { panic!("{found:?}") };
    assert_eq!((reattach.pid, reattach.protocol_version, reattach.is_test), (7, 6, true));
    assert_eq!(installed.in_development().count(), 2);
    for wrong in ["x", r#"{"a":{"Protocol":"netrpc","Pid":7,"Addr":{"Network":"unix","String":"/tmp/x"}}}"#] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn the_lock_file_is_read_strictly() {
    let stack = Stack::new(&Mirror::new());
    let faults = async |text: &str| {
        stack.write(".terraform.lock.hcl", text);
        let outcome = stack.outcome(&[]).await;
        outcome
            .lines()
            .filter(|line| !line.contains("hint: "))
            .map(|line| {
                line.replace("provider-lock: .terraform.lock.hcl:", "")
                    .replace(": the lock file of providers cannot be read", "")
            })
            .collect::<Vec<_>>()
            .join("\n")
    };
    let foo = |body: &str| format!("provider \"registry.terraform.io/acme/foo\" {{\n{body}\n}}\n");
    assert_eq!(
        faults("x = 1\nblah {}\nprovider \"foo\" {\n  version = \"1.0.0\"\n}\n").await,
        "1: an argument named \"x\" is not expected here\n2: blocks of type \"blah\" are not expected here\n3: the \
         provider must be written as \"registry.terraform.io/hashicorp/foo\", the whole of its address"
    );
    assert_eq!(
        faults(&foo("version = \"1.0\"")).await,
        "1: the version must be written in its normal form, \"1.0.0\""
    );
    assert_eq!(faults(&foo("")).await, "1: `version` is missing");
    assert_eq!(
        faults(&foo("version = \"1.0.0\"\nhashes = []\nx = 1\nconstraints = \">1\"")).await,
        "1: an argument named \"x\" is not expected here\n1: the constraints must be written in their normal form, \
         \"> 1.0.0\"\n1: `hashes` is either left out or has at least one hash"
    );
    assert_eq!(
        faults(&foo("version = \"1.0.0\"\nhashes = [\"xx\"]")).await,
        "1: \"xx\" is no hash: it has to start with a scheme and a colon"
    );
    let twice = foo("version = \"1.0.0\"").repeat(2);
    assert_eq!(
        faults(&twice).await,
        "4: the provider registry.terraform.io/acme/foo is locked a second time"
    );
    assert_eq!(faults("provider \"../../x/y\" {\n  version = \"1.0.0\"\n}").await.lines().count(), 1);
}

#[tokio::test]
async fn without_ways_written_down_the_usual_folders_are_mirrors_for_what_they_have() {
    let mirror = Mirror::new().unpacked(FOO, "1.0.0");
    let home = tempfile::tempdir().unwrap();
    let chosen = async |folder: &Path, variable: &str| {
        std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(mirror.path(), folder).unwrap();
        let text = home.path().display().to_string();
        let variables = [(variable.to_owned(), text), ("XDG_DATA_DIRS".to_owned(), "/none".to_owned())];
        let (cli, _) = CliConfiguration::of_environment(variables);
        let mut stack = Stack::new(&mirror);
        // Nobody is at this registry: who is not in a folder would be asked for there.
        stack.cli = cli.with_service("example.com", "modules.v1", "http://127.0.0.1:9/");
        let outcome = stack.outcome(&[(FOO, "")]).await;
        let direct = stack.outcome(&[("example.com/x/y", "")]).await;
        assert!(direct.contains("example.com is not a registry of providers"), "{direct}");
        std::fs::remove_file(folder).unwrap();
        outcome
    };
    for (folder, variable) in [
        (".terraform.d/plugins", "HOME"),
        (".local/share/terraform/plugins", "HOME"),
        ("terraform/plugins", "XDG_DATA_HOME"),
    ] {
        let outcome = chosen(&home.path().join(folder), variable).await;
        assert!(outcome.contains("installed acme/foo 1.0.0"), "{folder}: {outcome}");
    }
}

#[tokio::test]
async fn named_plugin_folders_are_the_only_ways() {
    let (one, two) = (Mirror::new().unpacked(FOO, "1.0.0"), Mirror::new().unpacked(FOO, "2.0.0"));
    let mut stack = Stack::new(&two);
    stack.setup.plugin_folders = vec![one.path().to_owned()];
    let outcome = stack.outcome(&[(FOO, "")]).await;
    assert!(outcome.contains("installed acme/foo 1.0.0"), "{outcome}");
}
