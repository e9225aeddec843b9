//! Arguments that are wrong, told by their names and without their values.

use engine::Provisioners;
use provisioners::StandardProvisioners;
use value::{Type, Value};

use crate::rig::{Case, object, text, texts};

async fn check(kind: &str, configuration: Value, connection: Option<Value>, expect: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let mut case = Case::new(folder.path());
    case.connection = connection;
    let fault = case.run(kind, configuration).await.fault();
    for part in expect {
        assert!(fault.contains(part), "{part}: {fault}");
    }
    assert!(!fault.contains("hush"), "{fault}");
}

#[tokio::test]
async fn arguments_that_are_wrong_are_named() {
    let script = || object([("inline", texts(&["true"]))]);
    check("local-exec", object([]), None, &["`command`: must be a non-empty string"]).await;
    let several =
        object([("command", text("")), ("environment", Value::map(Type::String, [("A=B", text("x"))]))]);
    check("local-exec", several, None, &["`command`", "`environment`"]).await;
    let unknown = object([("command", Value::unknown(Type::String))]);
    check("local-exec", unknown, None, &["`command`: is not known yet"]).await;
    check("remote-exec", script(), None, &["Missing connection configuration for provisioner"]).await;
    check(
        "remote-exec",
        object([]),
        None,
        &["Only one of \"inline\", \"script\", or \"scripts\" must be set"],
    )
    .await;
    let both = object([("inline", texts(&["true"])), ("script", text("x"))]);
    check("remote-exec", both, None, &["Only one of"]).await;
    let missing = object([("script", text("nowhere"))]);
    check("remote-exec", missing, None, &["Failed to open script 'nowhere'"]).await;
    let empty = object([("inline", texts(&["", "x"]))]);
    check("remote-exec", empty, None, &["invalid empty string"]).await;
    let both = object([("source", text("a")), ("content", text("b")), ("destination", text("/x"))]);
    check("file", both, None, &["Cannot set both 'source' and 'content'"]).await;
    check("file", object([("destination", text("/x"))]), None, &["Must provide one of"]).await;
    let missing = object([("source", text("nowhere")), ("destination", text("/x"))]);
    check("file", missing, None, &["stat nowhere: No such file"]).await;
    check("puppet", object([]), None, &["there is no provisioner `puppet`"]).await;
}

#[tokio::test]
async fn connections_that_are_wrong_are_told_before_anything_is_dialled() {
    let check = async |more: &[(&str, Value)], expect: &[&str]| {
        // Port 1 has no listener: what is told is not that it cannot be reached.
        let mut all = vec![("host", text("127.0.0.1")), ("port", Value::number(1))];
        all.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        all.extend(more.iter().cloned());
        check("remote-exec", object([("inline", texts(&["true"]))]), Some(Value::object(all)), expect).await;
    };
    check(&[("type", text("winrm"))], &["connection type 'winrm' is not supported"]).await;
    check(&[("type", text("telnet"))], &["`connection.type`"]).await;
    check(&[("host", text(""))], &["`connection.host`: must be a non-empty string"]).await;
    check(&[("port", Value::number(99_999))], &["`connection.port`", "between 0 and 65535"]).await;
    check(&[("timeout", text("5"))], &["`connection.timeout`: is not a duration"]).await;
    check(&[("target_platform", text("windows"))], &["`windows` is not supported"]).await;
    check(&[("private_key", text("hush"))], &["`connection.private_key`: Failed to read ssh private key"])
        .await;
    check(&[("certificate", text("hush"))], &["`connection.certificate`: is not an OpenSSH certificate"])
        .await;
    check(&[("host_key", text("hush"))], &["`connection.host_key`: is not a public key"]).await;
    check(&[("agent", Value::bool(true))], &["`connection.agent`", "SSH_AUTH_SOCK is not set"]).await;
    check(
        &[("proxy_host", text("p")), ("proxy_scheme", text("https"))],
        &["`https` is not supported", "`connection.proxy_port`"],
    )
    .await;
    // All at once.
    check(
        &[("timeout", text("x")), ("host_key", text("x"))],
        &["`connection.timeout`", "`connection.host_key`"],
    )
    .await;
}

#[tokio::test]
async fn a_key_with_a_passphrase_is_refused_as_one() {
    let folder = tempfile::tempdir().unwrap();
    for (name, options) in [("new", ["-t", "ed25519"].as_slice()), ("pem", &["-t", "ecdsa", "-m", "PEM"])] {
        let path = folder.path().join(name);
        crate::sshd::keygen_with(&path, "a passphrase", options);
        let key = std::fs::read_to_string(&path).unwrap();
        let connection = object([("host", text("127.0.0.1")), ("private_key", text(key))]);
        let script = object([("inline", texts(&["true"]))]);
        check(
            "remote-exec",
            script,
            Some(connection),
            &["`connection.private_key`: the key has a passphrase"],
        )
        .await;
    }
}

#[test]
fn what_excludes_each_other_is_found_as_soon_as_it_shows() {
    let own = StandardProvisioners::default();
    let check = |kind: &str, configuration: Value, faults: usize| {
        assert_eq!(own.validate(kind, &configuration).len(), faults, "{configuration}");
    };
    let unknown = || Value::unknown(Type::String);
    check("file", object([("source", unknown()), ("content", unknown())]), 0);
    check("file", object([("source", text("a")), ("content", Value::null(Type::String))]), 0);
    check("file", object([("source", text("a")), ("content", text("b"))]), 1);
    check("file", object([("destination", text("a"))]), 1);
    check("remote-exec", object([("script", unknown())]), 0);
    check("remote-exec", object([]), 1);
    check("local-exec", object([]), 0);
}

#[test]
fn every_kind_and_the_connection_have_a_schema() {
    let own = StandardProvisioners::default();
    for (kind, attribute) in [("local-exec", "command"), ("remote-exec", "inline"), ("file", "destination")] {
        assert!(own.schema(kind).unwrap().attribute(attribute).is_some(), "{kind}");
    }
    assert!(own.schema("chef").is_none());
    assert!(own.connection_schema().attribute("bastion_host").is_some());
}
