//! Getting in: keys, agents, certificates, bastions, proxies, and not getting in.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use value::Value;

use crate::rig::{Case, Outcome, eventually, object, text, texts};
use crate::sshd::{Sshd, command, free_port, keygen, sshd, sshd_with, user};

fn script() -> Value {
    object([("inline", texts(&["echo in"]))])
}

async fn enter(server: &Sshd, more: &[(&str, Value)]) -> Outcome {
    Case::new(server.folder.path()).over(server.connection(more)).run("remote-exec", script()).await
}

#[track_caller]
fn got_in(outcome: Outcome) -> Vec<String> {
    let lines = outcome.ok();
    assert_eq!(lines.last().unwrap(), "in");
    lines
}

/// A process of the test, ended with it.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn every_format_of_a_key_is_read() {
    let Some(server) = sshd() else { return };
    let folder = server.folder.path();
    let kinds: [(&str, &[&str]); 6] = [
        ("rsa", &["-t", "rsa", "-b", "2048"]),
        ("rsa-pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"]),
        ("rsa-pkcs8", &["-t", "rsa", "-b", "2048", "-m", "PKCS8"]),
        ("ecdsa", &["-t", "ecdsa", "-b", "384"]),
        ("ecdsa-pem", &["-t", "ecdsa", "-m", "PEM"]),
        ("ecdsa-pkcs8", &["-t", "ecdsa", "-b", "521", "-m", "PKCS8"]),
    ];
    for (name, options) in kinds {
        keygen(&folder.join(name), options);
        fs::copy(folder.join(format!("{name}.pub")), folder.join("authorized_keys")).unwrap();
        let outcome = enter(&server, &[("private_key", text(server.read(name)))]).await;
        assert!(outcome.result.is_ok(), "{name}: {:?}", outcome.result);
    }
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_tried_again_until_the_time_is_over() {
    let Some(server) = sshd() else { return };
    let more = [("private_key", text(server.read("host"))), ("timeout", text("3s"))];
    let outcome = enter(&server, &more).await;
    let tried = outcome.lines.iter().filter(|l| l.starts_with("Connecting to")).count();
    assert!(tried >= 2, "{:?}", outcome.lines);
    let login = format!("{}@127.0.0.1:{}", user(), server.port);
    outcome.fails(&format!(
        "timeout - last error: SSH authentication failed ({login}): unable to authenticate, attempted methods [publickey]"
    ));
    let nothing = [("private_key", Value::null(value::Type::String)), ("timeout", text("1s"))];
    enter(&server, &nothing).await.fails("neither `password`, `private_key` nor an agent with keys is given");
}

#[tokio::test]
async fn a_host_key_has_to_match_where_it_is_given() {
    let Some(server) = sshd_with(|folder| {
        keygen(&folder.join("host-rsa"), &["-t", "rsa", "-b", "2048"]);
        format!("HostKey {}", folder.join("host-rsa").display())
    }) else {
        return;
    };
    for right in ["host.pub", "host-rsa.pub"] {
        let lines = got_in(enter(&server, &[("host_key", text(server.read(right)))]).await);
        assert!(lines.contains(&"  Checking Host Key: true".to_owned()));
    }
    let wrong = [("host_key", text(server.read("user.pub"))), ("timeout", text("1s"))];
    let outcome = enter(&server, &wrong).await;
    assert!(!outcome.lines.contains(&"Connected!".to_owned()));
    outcome.fails("the host key does not match: it shows SHA256:");
}

/// Signs a host's or a user's key; answers the certificate's path.
fn sign(folder: &Path, key: &str, options: &[&str]) -> String {
    let key = folder.join(key).display().to_string();
    command("ssh-keygen", |c| {
        c.args(["-q", "-s"])
            .arg(folder.join("authority"))
            .args(["-I", "a test"])
            .args(options)
            .arg(format!("{key}.pub"))
    });
    format!("{key}-cert.pub")
}

#[tokio::test]
async fn an_authority_vouches_for_the_hosts_that_it_named() {
    let host_named = |name: &'static str| {
        sshd_with(move |folder| {
            keygen(&folder.join("authority"), &["-t", "ed25519"]);
            format!("HostCertificate {}", sign(folder, "host", &["-h", "-n", name]))
        })
    };
    let Some(server) = host_named("127.0.0.1") else { return };
    got_in(enter(&server, &[("host_key", text(server.read("authority.pub")))]).await);
    got_in(enter(&server, &[("host_key", text(server.read("host.pub")))]).await);
    let other = [("host_key", text(server.read("user.pub"))), ("timeout", text("1s"))];
    enter(&server, &other).await.fails("its certificate is not valid");
    let Some(server) = host_named("shop.example.com") else { return };
    let more = [("host_key", text(server.read("authority.pub"))), ("timeout", text("1s"))];
    enter(&server, &more).await.fails("its certificate is for shop.example.com");
}

#[tokio::test]
async fn a_certificate_lets_in_where_the_key_alone_does_not() {
    let Some(server) = sshd_with(|folder| {
        keygen(&folder.join("authority"), &["-t", "ed25519"]);
        keygen(&folder.join("signed"), &["-t", "ed25519"]);
        sign(folder, "signed", &["-n", &user()]);
        format!("TrustedUserCAKeys {}", folder.join("authority.pub").display())
    }) else {
        return;
    };
    let key = ("private_key", text(server.read("signed")));
    got_in(enter(&server, &[key.clone(), ("certificate", text(server.read("signed-cert.pub")))]).await);
    enter(&server, &[key, ("timeout", text("1s"))]).await.fails("unable to authenticate");
}

#[tokio::test]
async fn an_agent_is_asked_unless_it_is_switched_off() {
    let Some(server) = sshd() else { return };
    let socket = server.folder.path().join("agent");
    let agent = Command::new("ssh-agent").args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).spawn();
    let _agent = Process(agent.unwrap());
    eventually("the agent listens", || socket.exists()).await;
    keygen(&server.folder.path().join("other"), &["-t", "rsa", "-b", "2048", "-C", "the other"]);
    for key in ["other", "user"] {
        command("ssh-add", |c| c.arg("-q").arg(server.folder.path().join(key)).env("SSH_AUTH_SOCK", &socket));
    }
    let enter = async |more: &[(&str, Value)]| {
        let no_key = ("private_key", Value::null(value::Type::String));
        let all: Vec<_> = std::iter::once(no_key).chain(more.iter().cloned()).collect();
        let mut case = Case::new(server.folder.path()).over(server.connection(&all));
        case.provisioners.agent_socket = Some(socket.clone());
        case.run("remote-exec", script()).await
    };
    let lines = got_in(enter(&[]).await);
    assert!(lines.contains(&"  SSH Agent: true".to_owned()));
    got_in(
        enter(&[("agent", Value::bool(true)), ("agent_identity", text(server.read("user.pub").trim()))])
            .await,
    );
    let off = [("agent", Value::bool(false)), ("timeout", text("1s"))];
    enter(&off).await.fails("unable to authenticate");
    fs::remove_file(&socket).unwrap();
    let gone = [("agent", Value::bool(true)), ("timeout", text("1s"))];
    enter(&gone).await.fails("Error connecting to SSH_AUTH_SOCK");
}

#[tokio::test]
async fn a_connection_goes_through_a_bastion() {
    let (Some(bastion), Some(server)) = (sshd(), sshd()) else { return };
    let way = |key: &str| {
        [
            ("bastion_host", text("127.0.0.1")),
            ("bastion_port", Value::number(i64::from(bastion.port))),
            ("bastion_private_key", text(bastion.read(key))),
            ("bastion_host_key", text(bastion.read("host.pub"))),
            ("host_key", text(server.read("host.pub"))),
            ("timeout", text("2s")),
        ]
    };
    let lines = got_in(enter(&server, &way("user")).await);
    assert!(lines.contains(&"Using configured bastion host...".to_owned()));
    enter(&server, &way("host")).await.fails(&format!("127.0.0.1:{}): unable to authenticate", bastion.port));
    let mut unreachable = way("user").to_vec();
    let port = free_port();
    unreachable.push(("port", Value::number(i64::from(port))));
    enter(&server, &unreachable).await.fails(&format!("the bastion cannot reach 127.0.0.1:{port}"));
}

#[tokio::test]
async fn a_connection_goes_through_a_socks_proxy() {
    let Some(server) = sshd() else { return };
    // OpenSSH's own client is the proxy.
    let port = free_port();
    let client = Command::new("ssh")
        .args([
            "-N",
            "-F",
            "none",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-i",
        ])
        .arg(server.folder.path().join("user"))
        .args(["-D", &format!("127.0.0.1:{port}"), "-p", &server.port.to_string()])
        .arg(format!("{}@127.0.0.1", user()))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _client = Process(client.unwrap());
    let more = [
        ("proxy_scheme", text("socks5")),
        ("proxy_host", text("127.0.0.1")),
        ("proxy_port", Value::number(i64::from(port))),
    ];
    // The proxy may not listen yet: that is tried again.
    got_in(enter(&server, &more).await);
}

#[tokio::test]
async fn a_connection_goes_through_an_http_proxy() {
    let Some(server) = sshd() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let proxy = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let to = head.strip_prefix("CONNECT ").unwrap().split(' ').next().unwrap();
                // "user:secret", as the standard's Basic scheme has it.
                if !head.to_lowercase().contains("proxy-authorization: basic dxnlcjpzzwnyzxq=\r\n") {
                    stream
                        .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                        .await
                        .unwrap();
                    return;
                }
                let mut there = TcpStream::connect(to).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut there).await;
            });
        }
    });
    let more = |password: &str| {
        [
            ("proxy_host", text("127.0.0.1")),
            ("proxy_port", Value::number(i64::from(port))),
            ("proxy_user_name", text("user")),
            ("proxy_user_password", text(password)),
            ("timeout", text("2s")),
        ]
    };
    got_in(enter(&server, &more("secret")).await);
    let outcome = enter(&server, &more("wrong")).await;
    assert!(outcome.lines.iter().all(|line| !line.contains("wrong")));
    outcome.fails(&format!("proxy 127.0.0.1:{port}: it answered 407"));
    proxy.abort();
}

#[tokio::test]
async fn a_machine_that_starts_late_is_waited_for() {
    let Some(server) = sshd() else { return };
    // The machine's port opens, to the server, only after the first attempt has failed.
    let port = free_port();
    let folder = server.folder.path();
    let case = Case::new(folder).over(server.connection(&[("port", Value::number(i64::from(port)))]));
    let to = server.port;
    let late = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut there = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
        let _ = copy_bidirectional(&mut stream, &mut there).await;
    };
    let (outcome, ()) = tokio::join!(case.run("remote-exec", script()), late);
    let lines = got_in(outcome);
    assert!(
        lines.iter().any(|line| line.starts_with("  Not connected yet: dial tcp 127.0.0.1:")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn what_never_answers_ends_with_the_time_or_an_interrupt() {
    let folder = tempfile::tempdir().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connection = |timeout: &str| {
        let port = Value::number(i64::from(silent.local_addr().unwrap().port()));
        object([("host", text("127.0.0.1")), ("port", port), ("timeout", text(timeout))])
    };
    Case::new(folder.path())
        .over(connection("1s"))
        .run("remote-exec", script())
        .await
        .fails("timeout - last error: no answer within 1 s");
    Case::new(folder.path())
        .over(connection("5m"))
        .interrupted_at("  Target Platform")
        .run("remote-exec", script())
        .await
        .fails("interrupted");
}
