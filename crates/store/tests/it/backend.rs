//! Blocks `backend "s3"` as people have them, and credentials of every kind against a server.

use std::collections::BTreeMap;
use std::fs;

use engine::StateStore as _;
use store::{KeyRing, S3Backend, S3Credentials, S3Encryption, S3Store};
use value::{Type, Value};

use crate::dev;
use crate::moto::{BUCKET, Moto};

fn arguments(given: &[(&str, Value)]) -> BTreeMap<String, Value> {
    let mut arguments = BTreeMap::from([
        ("bucket".to_owned(), Value::string(BUCKET)),
        ("key".to_owned(), Value::string("network/terraform.tfstate")),
        ("region".to_owned(), Value::string("eu-west-1")),
    ]);
    arguments.extend(given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    arguments
}

fn variables(given: &[(&str, &str)]) -> BTreeMap<String, String> {
    given.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "s")];

fn who(credentials: &S3Credentials) -> String {
    match credentials {
        S3Credentials::Keys { access_key, token, .. } => format!("keys {access_key} {token:?}"),
        S3Credentials::Machine(settings) => format!("machine {settings:?}"),
        S3Credentials::Process(command) => format!("process {command}"),
        S3Credentials::Role(role, from) => {
            format!("role {} {} {:?} by {}", role.arn, role.session_name, role.duration_seconds, who(from))
        }
        S3Credentials::Provided(_) => "provided".into(),
    }
}

#[test]
fn a_block_is_understood() {
    let text = Value::string;
    let yes = || Value::bool(true);
    let read = |given: &[(&str, Value)], set: &[(&str, &str)]| {
        let read = S3Backend::read(&arguments(given), &variables(set)).unwrap();
        assert!(read.notes.is_empty(), "{:?}", read.notes);
        read.options
    };
    let plain = read(&[], &KEYS);
    assert_eq!(plain.key, "network/terraform.tfstate");
    assert_eq!((plain.region.as_str(), plain.endpoint, plain.path_style), ("eu-west-1", None, false));
    assert_eq!((plain.workspace_key_prefix.as_str(), plain.max_retries), ("env:", 5));
    assert_eq!(who(&plain.credentials), "keys A None");
    assert!(matches!(plain.encryption, S3Encryption::Bucket));

    let local = read(
        &[
            ("endpoints", Value::object([("s3", text("http://localhost:9000"))])),
            ("use_path_style", yes()),
            ("access_key", text("B")),
            ("secret_key", text("s")),
            ("token", text("t")),
            ("skip_credentials_validation", yes()),
            ("skip_metadata_api_check", yes()),
            ("skip_region_validation", yes()),
            ("skip_requesting_account_id", yes()),
            ("skip_s3_checksum", yes()),
            ("workspace_key_prefix", text("ws")),
            ("max_retries", Value::number(2_i64)),
            ("encrypt", yes()),
            ("use_lockfile", yes()),
        ],
        &KEYS,
    );
    assert_eq!((local.endpoint.as_deref(), local.path_style), (Some("http://localhost:9000"), true));
    assert_eq!((local.workspace_key_prefix.as_str(), local.max_retries), ("ws", 2));
    assert_eq!(who(&local.credentials), "keys B Some(\"t\")");
    assert!(matches!(local.encryption, S3Encryption::Server));
    // As it was written for older versions, and as a partial configuration gives everything: as texts.
    let older = read(&[("endpoint", text("minio:9000")), ("force_path_style", text("true"))], &KEYS);
    assert_eq!((older.endpoint.as_deref(), older.path_style), (Some("https://minio:9000"), true));
    let key = read(&[("kms_key_id", text("arn:aws:kms:x")), ("encrypt", yes())], &KEYS);
    assert!(matches!(key.encryption, S3Encryption::Kms(_)));
    let fips = read(&[("use_fips_endpoint", yes())], &KEYS);
    assert_eq!(fips.endpoint.as_deref(), Some("https://s3-fips.eu-west-1.amazonaws.com"));
}

#[test]
fn who_asks_is_found_in_the_order_of_awss_own_programs() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(".aws")).unwrap();
    let keys = "[default]\naws_access_key_id=D\naws_secret_access_key=s\n[work]\naws_access_key_id=W\naws_secret_access_key=s\n";
    fs::write(dir.path().join(".aws/credentials"), keys).unwrap();
    fs::write(dir.path().join(".aws/config"), "[profile work]\nregion = eu-north-1\n").unwrap();
    let home = dir.path().to_str().unwrap();
    let text = Value::string;
    let role = || {
        let tags = Value::map(Type::String, [("team", Value::string("infra"))]);
        Value::object([
            ("role_arn", Value::string("arn:R")),
            ("session_name", Value::string("ci")),
            ("duration", Value::string("1h30m")),
            ("tags", tags),
        ])
    };
    for (given, set, expected) in [
        (vec![], vec![("HOME", home)], "keys D None"),
        (vec![], vec![("HOME", home), KEYS[0], KEYS[1]], "keys A None"),
        (vec![], vec![("HOME", home), ("AWS_PROFILE", "work")], "keys W None"),
        (vec![("profile", text("work"))], vec![("HOME", home), KEYS[0], KEYS[1]], "keys W None"),
        (vec![("assume_role", role())], KEYS.to_vec(), "role arn:R ci Some(5400) by keys A None"),
        (vec![("role_arn", text("arn:R"))], KEYS.to_vec(), "role arn:R mainstay None by keys A None"),
        (vec![], vec![], "machine []"),
        (
            vec![("skip_metadata_api_check", Value::bool(true))],
            vec![("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"), ("AWS_ROLE_ARN", "arn:W")],
            "machine [(\"aws_web_identity_token_file\", \"/t\"), (\"aws_role_arn\", \"arn:W\")]",
        ),
    ] {
        let read = S3Backend::read(&arguments(&given), &variables(&set)).unwrap();
        assert_eq!(who(&read.options.credentials), expected, "{given:?} {set:?}");
    }
    let mut of_profile = arguments(&[("profile", text("work"))]);
    of_profile.remove("region");
    let read = S3Backend::read(&of_profile, &variables(&[("HOME", home)])).unwrap();
    assert_eq!(read.options.region, "eu-north-1");
}

#[test]
fn what_is_wrong_with_a_block_is_told_at_once() {
    let faults = S3Backend::read(
        &BTreeMap::from([
            ("bukket".to_owned(), Value::string("x")),
            ("encrypt".to_owned(), Value::string("perhaps")),
            ("profile".to_owned(), Value::string("nobody")),
            ("region".to_owned(), Value::unknown(Type::String)),
        ]),
        &variables(&[]),
    )
    .err()
    .unwrap();
    let told: Vec<String> = faults
        .0
        .iter()
        .map(|it| format!("{}: {}", it.subject.as_deref().unwrap(), it.detail.as_deref().unwrap()))
        .collect();
    for says in [
        "bukket: there is no such argument: did you mean `bucket`?",
        "bucket: it is missing",
        "key: it is missing",
        "region: it has to be a text that is known",
    ] {
        assert!(told.iter().any(|it| it == says), "{says}: {told:#?}");
    }
    for (given, set, says) in [
        (("profile", Value::string("nobody")), &[][..], "profile: there is no profile `nobody`"),
        (("encrypt", Value::string("perhaps")), &KEYS, "encrypt: it has to be true or false"),
        (
            ("access_key", Value::string("x")),
            &KEYS,
            "secret_key: there is an `access_key` and no secret to it",
        ),
        (("skip_metadata_api_check", Value::bool(true)), &[], "access_key: there are no credentials"),
        (
            ("assume_role", Value::object([("duration", Value::string("soon"))])),
            &KEYS,
            "`role_arn` is missing",
        ),
    ] {
        let faults = S3Backend::read(&arguments(&[given]), &variables(set)).err().unwrap();
        let told = faults
            .0
            .iter()
            .map(|it| format!("{}: {}", it.subject.as_deref().unwrap(), it.detail.as_deref().unwrap()));
        assert!(told.into_iter().any(|it| it.contains(says)), "{says}: {faults:?}");
    }
    let table = arguments(&[("dynamodb_table", Value::string("locks"))]);
    let notes = S3Backend::read(&table, &variables(&KEYS)).unwrap().notes;
    assert!(notes.0[0].message.contains("dynamodb_table"), "{notes:?}");
}

#[tokio::test]
async fn credentials_of_every_kind_are_used() {
    let Some(server) = Moto::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let gate = server.gate();
    let endpoint = Value::string(gate.address());
    let endpoints = Value::object([("s3", endpoint.clone()), ("sts", endpoint)]);
    let printed = r#"{"Version":1,"AccessKeyId":"P","SecretAccessKey":"s","SessionToken":"t"}"#;
    let files = [("config", format!("[profile process]\ncredential_process = echo '{printed}'\n"))];
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    fs::write(dir.path().join("token"), "eyJ\n").unwrap();
    let config = dir.path().join("config").display().to_string();
    let token = dir.path().join("token").display().to_string();
    let role = |more: Option<(&'static str, Value)>| {
        let arn = ("role_arn", Value::string("arn:aws:iam::123456789012:role/state"));
        Value::object([arn].into_iter().chain(more))
    };
    for (name, given, asks) in [
        ("keys", vec![], false),
        ("process", vec![("profile", Value::string("process"))], false),
        ("role", vec![("assume_role", role(None))], true),
        (
            "web identity",
            vec![(
                "assume_role_with_web_identity",
                role(Some(("web_identity_token_file", Value::string(token.as_str())))),
            )],
            true,
        ),
    ] {
        let mut given = arguments(&given);
        given.insert("endpoints".into(), endpoints.clone());
        given.insert("use_path_style".into(), Value::bool(true));
        given.insert(
            "shared_config_files".into(),
            Value::list(Type::String, vec![Value::string(config.as_str())]),
        );
        let read = S3Backend::read(&given, &variables(&KEYS)).unwrap();
        let keys = KeyRing::open(&dir.path().join("keys"), BTreeMap::new());
        let store = S3Store::connect(&read.options, keys).unwrap();
        let before = gate.requests().len();
        store.snapshot(&dev()).await.unwrap();
        store.snapshot(&dev()).await.unwrap();
        let asked = gate.requests()[before..].iter().filter(|request| request.as_str() == "POST /").count();
        assert_eq!(asked, usize::from(asks), "{name}: keys are asked for once");
    }
}
