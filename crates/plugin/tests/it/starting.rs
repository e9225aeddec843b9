//! How a provider begins: what it says first, and what is made of that.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use engine::stack::provider::Part;
use plugin::{Program, Reattach, ReattachAddress, wire::Protocol};
use testkit::provider::{Certificate, Greeting, Network, SCRIPT, Script};
use value::Value;

use crate::rig::{ALL, Ready, Rig, all_ended, binary, described, lines};

#[tokio::test(flavor = "multi_thread")]
async fn every_protocol_and_network_is_greeted() {
    for (protocol, network) in ALL {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, network, ..rig.script() }).await;
        assert_eq!(
            rig.names(),
            ["start", "GetProviderSchema", "GetResourceIdentitySchemas", "ConfigureProvider"]
        );
        // Version 5 has no nested attributes.
        assert_eq!(ready.block.attribute("settings").is_some(), protocol == 6);
        let sockets = std::fs::read_dir(rig.folder()).unwrap().flatten();
        let sockets = sockets.filter(|entry| entry.file_name().to_string_lossy().ends_with(".sock"));
        assert_eq!(sockets.count(), usize::from(network == Network::Unix));
        ready.plugin.shut_down().await;
        assert_eq!(rig.names().last().unwrap(), "Shutdown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_kind_of_certificate_is_taken_if_it_is_the_announced_one() {
    for certificate in [Certificate::P521Authority, Certificate::P256] {
        for (protocol, network) in ALL {
            let rig = Rig::new();
            let ready = rig.ready(&Script { protocol, network, certificate, ..rig.script() }).await;
            ready.plugin.shut_down().await;
        }
    }
}

/// Why it does not start, without the program's path.
async fn refused(rig: &Rig, script: &Script) -> String {
    let plugin = rig.plugin(script);
    let said = plugin.provider().schema().await.unwrap_err();
    assert_eq!(plugin.processes(), 0);
    let text = lines(&said).replace(&binary().display().to_string(), "PROGRAM");
    text.strip_prefix("error: The provider does not start; ").expect(&text).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_certificate_than_announced_is_refused() {
    for (protocol, network) in ALL {
        let rig = Rig::new();
        let script = Script { protocol, network, certificate: Certificate::Other, ..rig.script() };
        let why = refused(&rig, &script).await;
        assert!(why.starts_with("PROGRAM does not answer at "), "{why}");
        assert!(why.contains("it is not the certificate that the provider announced"), "{why}");
        all_ended(&rig.pids()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_that_is_no_certificate_is_refused() {
    let rig = Rig::new();
    let why = refused(&rig, &Script { certificate: Certificate::Garbled, ..rig.script() }).await;
    assert!(why.contains("it is not the certificate that the provider announced"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_certificate_a_socket_is_talked_to_and_a_port_is_not() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let bare = Script { protocol, certificate: Certificate::None, ..rig.script() };
        rig.ready(&bare).await.plugin.shut_down().await;
        let why = refused(&rig, &Script { network: Network::Tcp, ..bare }).await;
        assert_eq!(
            why,
            "PROGRAM is no provider that is understood here: it shows no certificate, and anybody on this machine \
             could answer in its place; "
        );
        all_ended(&rig.pids()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_greeting_is_quoted() {
    let cases = [
        ("Hello!", "it greets with \"Hello!\""),
        ("", "it greets with \"\""),
        ("1|4|unix|/x|grpc|", "it speaks version 4 of the provider protocol, and 5 and 6 are understood"),
        ("1|x|unix|/x|grpc|", "it speaks version x of the provider protocol, and 5 and 6 are understood"),
        ("2|6|unix|/x|grpc|", "it greets by version 2 of plugins, not 1"),
        ("1|6|unix|/x|netrpc|", "it speaks \"netrpc\", not gRPC"),
        ("1|6|pigeon|/x|grpc|", "it listens on a network \"pigeon\""),
        ("1|6|tcp|somewhere|grpc|", "it listens at \"somewhere\", which is no address"),
        ("1|6|tcp|192.0.2.1:80|grpc|AQID", "it listens at 192.0.2.1:80, which is open to other machines"),
    ];
    let rig = Rig::new();
    for (line, why) in cases {
        let said = refused(&rig, &Script { greeting: Greeting::Line(line.into()), ..rig.script() }).await;
        assert_eq!(said, format!("PROGRAM is no provider that is understood here: {why}; "));
    }
    let said =
        refused(&rig, &Script { greeting: Greeting::Line("1|6|unix|/x|grpc|!".into()), ..rig.script() })
            .await;
    assert!(said.contains("its certificate cannot be read"), "{said}");
    all_ended(&rig.pids()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ends_at_once_is_quoted_with_its_code() {
    let rig = Rig::new();
    let stderr = vec!["cannot find my configuration".to_owned(), "giving up".to_owned()];
    let why = refused(&rig, &Script { greeting: Greeting::Ends(3), stderr, ..rig.script() }).await;
    assert_eq!(
        why,
        "PROGRAM ended before it was ready (exit status: 3); the last it wrote:\n\
         cannot find my configuration\ngiving up; "
    );
}

/// The clock is held, and runs on as soon as there is nothing to do but to wait.
#[tokio::test(start_paused = true)]
async fn one_that_says_nothing_is_waited_for_a_minute() {
    let rig = Rig::new();
    let begun = Instant::now();
    let why = refused(&rig, &Script { greeting: Greeting::Silent, ..rig.script() }).await;
    assert!(why.starts_with("PROGRAM said nothing for 60 s"), "{why}");
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_listen_where_it_says_is_named_with_the_place() {
    for network in [Network::Unix, Network::Tcp] {
        let rig = Rig::new();
        let why = refused(&rig, &Script { greeting: Greeting::Deaf, network, ..rig.script() }).await;
        assert!(why.starts_with("PROGRAM does not answer at "), "{why}");
        let place = if network == Network::Unix { ".sock" } else { "127.0.0.1:" };
        assert!(why.contains(place), "{why}");
        assert!(why.contains("Connection refused") || why.contains("No such file"), "{why}");
        all_ended(&rig.pids()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_executed_is_named() {
    let rig = Rig::new();
    let path = rig.folder().join("nothing-here");
    let program = Program { path: path.clone(), ..rig.program(&rig.script()) };
    let said = plugin::Plugin::new(program, None).provider().schema().await.unwrap_err();
    let said = lines(&said);
    assert!(said.contains(&format!("{} cannot be executed: No such file", path.display())), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_in_its_environment_but_what_is_given() {
    let rig = Rig::new();
    let mut program = rig.program(&rig.script());
    program.variables.insert("COLOUR".into(), "blue".into());
    let ready = Ready::of(plugin::Plugin::new(program, None)).await;
    let schema = ready.provider.schema().await.unwrap();
    let process = schema.data.get("scripted_process").unwrap();
    let told = ready.provider.read_data("scripted_process", &described(&process.block, "")).await.unwrap();
    let variables = told.value.get("variables").unwrap();
    let variables: BTreeMap<_, _> =
        variables.as_entries().unwrap().iter().map(|(name, it)| (name.as_ref(), it.clone())).collect();
    let names: Vec<_> = variables.keys().copied().collect();
    assert_eq!(
        names,
        [
            "COLOUR",
            "GOGC",
            "PLUGIN_CLIENT_CERT",
            "PLUGIN_MAX_PORT",
            "PLUGIN_MIN_PORT",
            "PLUGIN_PROTOCOL_VERSIONS",
            SCRIPT,
            "TF_PLUGIN_MAGIC_COOKIE"
        ]
    );
    assert_eq!(variables["COLOUR"], Value::string("blue"));
    assert_eq!(variables["PLUGIN_PROTOCOL_VERSIONS"], Value::string("5,6"));
    ready.plugin.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_somebody_else_started_is_taken_up_and_left_running() {
    for (protocol, network) in ALL {
        let rig = Rig::new();
        let script = Script { protocol, network, ..rig.script() };
        let mut child = std::process::Command::new(binary())
            .env_clear()
            .env(SCRIPT, script.write().unwrap())
            .env("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2")
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        let address = line.split('|').nth(3).unwrap();
        let address = match network {
            Network::Unix => ReattachAddress::Unix(address.into()),
            Network::Tcp => ReattachAddress::Tcp(address.parse().unwrap()),
        };
        let reattach = Some(Reattach { protocol: Protocol::of_number(protocol).unwrap(), address });
        let program = Program { reattach, ..rig.program(&script) };
        let ready = Ready::of(plugin::Plugin::new(program, None)).await;
        let made = ready.make(r#"name = "a""#).await;
        assert_eq!(made.value.get("name"), Some(Value::string("a")));
        let wrong = ready.thing(r#"name = """#);
        let said = ready.provider.validate(Part::Managed, crate::rig::THING, &wrong).await;
        assert_eq!(lines(&said), "error: Empty name; a name has a letter at least; .name");
        ready.plugin.shut_down().await;
        drop(ready);
        assert!(child.try_wait().unwrap().is_none(), "it is not ours to end");
        assert_eq!(rig.pids(), [child.id()]);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
