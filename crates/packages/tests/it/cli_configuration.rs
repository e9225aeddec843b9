//! `.terraformrc`, stored credentials, and variables of the environment.

use packages::{CliConfiguration, MethodKind, token_variable};

use crate::fixtures::{Project, told};

fn read(project: &Project, variables: &[(&str, &str)]) -> (CliConfiguration, String) {
    let home = project.path().display().to_string();
    let mut all = vec![("HOME".to_owned(), home.clone())];
    all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), value.replace("HOME", &home))));
    let (configuration, faults) = CliConfiguration::of_environment(all);
    (configuration, told(&faults).replace(&home, "HOME"))
}

fn token<'a>(configuration: &'a CliConfiguration, host: &str) -> &'a str {
    configuration.token(host).map_or("", |token| token.reveal())
}

#[test]
fn tokens_come_from_the_environment_then_the_file_then_the_login() {
    let project = Project::new();
    project.write(
        ".terraform.d/credentials.tfrc.json",
        r#"{"credentials": {"a.example.com": {"token": "login"}, "b.example.com": {"token": "login"}, "C.example.com": {"token": "login"}}}"#,
    );
    project.write(
        ".terraformrc",
        "plugin_cache_dir = \"$HOME/cache\"\ncredentials \"B.example.com\" {\n  token = \"file\"\n}\n\
         credentials \"a.example.com\" {\n  token = \"file\"\n}\n\
         host \"d.example.com:8443\" {\n  services = {\n    \"modules.v1\" = \"http://127.0.0.1/v1/\"\n  }\n}\n",
    );
    project.write("cache/file", "");
    let (configuration, faults) =
        read(&project, &[("TF_TOKEN_a_example_com", "environment"), ("TF_TOKEN_my__host_io", "x")]);
    assert_eq!(faults, "");
    let tokens = ["a.example.com", "b.example.com", "c.example.com", "my-host.io", "e.example.com"];
    assert_eq!(tokens.map(|host| token(&configuration, host)), ["environment", "file", "login", "x", ""]);
    assert_eq!(configuration.services("d.example.com:8443").unwrap()["modules.v1"], "http://127.0.0.1/v1/");
    assert_eq!(token_variable("my-host.io"), "TF_TOKEN_my__host_io");
    assert!(!format!("{configuration:?}").contains("environment"));
}

#[test]
fn what_cannot_be_read_is_told_with_its_line_and_the_rest_counts() {
    let project = Project::new();
    project.write(".terraform.d/credentials.tfrc.json", "{\"credentials\": {\"a\": {\"token\": 1234}}}");
    project.write(
        "rc",
        "credentials \"a.example.com\" {\n}\ncredentials {\n  token = \"x\"\n}\n\nhost \"h.example.com\" {\n}\n\
         credentials_helper \"x\" {\n}\ncredentials \"b.example.com\" {\n  token = \"y\"\n}\n",
    );
    let (configuration, faults) = read(&project, &[("TF_CLI_CONFIG_FILE", "HOME/rc")]);
    assert_eq!(
        faults,
        "cli-configuration: HOME/.terraform.d/credentials.tfrc.json: the stored credentials are damaged: at line 1, column 36\n  \
         hint: log in again\n\
         cli-configuration: HOME/rc:1: the credentials of a.example.com have no token\n  hint: write `token = \"…\"`\n\
         cli-configuration: HOME/rc:3: `credentials` does not name one host\n  hint: write the host's name in quotes after it\n\
         cli-configuration: HOME/rc:7: the services of h.example.com are no names and URLs\n  \
         hint: write `services = { \"modules.v1\" = \"https://…\" }`\n\
         cli-configuration: HOME/rc:9: `credentials_helper` is not supported\n  \
         hint: give the token in TF_TOKEN_… or in a `credentials` block"
    );
    assert_eq!(token(&configuration, "b.example.com"), "y");
    let (_, faults) = read(&project, &[("TF_CLI_CONFIG_FILE", "HOME/nope")]);
    assert!(faults.contains("HOME/nope: the command line's configuration cannot be read"), "{faults}");
}

#[test]
fn ways_to_providers_are_read_in_their_order_and_faults_are_errors() {
    let project = Project::new();
    project.write("cache/file", "");
    project.write(
        ".terraformrc",
        "plugin_cache_dir = \"${HOME}/cache\"\nplugin_cache_may_break_dependency_lock_file = true\n\
         provider_installation {\n  filesystem_mirror {\n    path    = \"/srv\"\n    include = [\"acme/*\", \"*/*/*\"]\n  }\n  \
         network_mirror {\n    url = \"https://mirror.example.com/p\"\n  }\n  direct {\n    exclude = [\"acme/foo\"]\n  }\n}\n",
    );
    let (configuration, faults) = read(&project, &[]);
    assert_eq!(faults, "");
    let settings = configuration.providers();
    assert_eq!(settings.cache.as_deref(), Some(project.path().join("cache").as_path()));
    assert!(settings.cache_may_break_lock);
    let methods = &settings.installation.as_ref().unwrap().methods;
    let kinds: Vec<_> = methods.iter().map(|it| it.kind.clone()).collect();
    let url = "https://mirror.example.com/p/".parse().unwrap();
    assert_eq!(
        kinds,
        [MethodKind::FilesystemMirror("/srv".into()), MethodKind::NetworkMirror(url), MethodKind::Direct]
    );
    let foo = lang::ProviderAddress::of_source("acme/foo");
    assert_eq!(methods.iter().map(|it| it.is_for(&foo)).collect::<Vec<_>>(), [true, true, false]);
    // The environment comes first.
    let (configuration, _) = read(
        &project,
        &[("TF_PLUGIN_CACHE_DIR", "HOME/other"), ("TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE", "0")],
    );
    let settings = configuration.providers();
    assert_eq!(
        (settings.cache.as_ref(), settings.cache_may_break_lock),
        (None, false),
        "there is no such folder"
    );
    project.write(
        ".terraformrc",
        "provider_installation {\n  magic {}\n  direct {\n    include = \"x\"\n  }\n  filesystem_mirror {}\n  \
         network_mirror {\n    url = \"http://mirror.example.com/\"\n  }\n  dev_overrides {\n    \"a/b/c/d\" = \"/x\"\n  }\n}\n",
    );
    let (_, faults) = read(&project, &[]);
    let lines: Vec<&str> = faults.lines().filter(|line| !line.contains("hint: ")).collect();
    assert_eq!(
        lines,
        [
            "provider-installation: HOME/.terraformrc:10: \"a/b/c/d\" is no provider: `c/d` is not a name: a name has letters, digits, `-` and `_`",
            "provider-installation: HOME/.terraformrc:2: there is no way `magic` to install providers",
            "provider-installation: HOME/.terraformrc:3: `include` of `direct` is a list of patterns in quotes",
            "provider-installation: HOME/.terraformrc:6: `filesystem_mirror` needs `path`",
            "provider-installation: HOME/.terraformrc:7: \"http://mirror.example.com/\" cannot be a mirror: it has to be at an https: URL",
        ]
    );
}
