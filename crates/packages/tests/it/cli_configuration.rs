//! `.terraformrc`, stored credentials, and variables of the environment.

use packages::{CliConfiguration, token_variable};

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
