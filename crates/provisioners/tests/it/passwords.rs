//! Passwords. A real `sshd` would want a user of this machine whose password is known: here a server of the test's own, over the
//! same protocol, asks for one. Every command that it is given "prints" one line and succeeds.

use std::borrow::Cow;
use std::sync::Arc;

use russh::keys::decode_secret_key;
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Response, Session, run_stream};
use russh::{Channel, ChannelId, MethodKind, MethodSet};
use tokio::net::TcpListener;
use value::Value;

use crate::rig::{Case, Outcome, object, text, texts};
use crate::sshd::keygen;

#[derive(Clone, Copy)]
struct Asks {
    interactively: bool,
}

impl Asks {
    fn answer(self, password: &[u8]) -> Auth {
        if password == b"a secret" { Auth::Accept } else { Auth::reject() }
    }
}

impl Handler for Asks {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, Self::Error> {
        if self.interactively {
            let methods = MethodSet::from([MethodKind::KeyboardInteractive].as_slice());
            return Ok(Auth::Reject { proceed_with_methods: Some(methods), partial_success: false });
        }
        Ok(self.answer(password.as_bytes()))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        match response {
            Some(mut answers) if self.interactively => Ok(self.answer(&answers.next().unwrap_or_default())),
            None if self.interactively => Ok(Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed(""),
                prompts: Cow::Owned(vec![(Cow::Borrowed("Password: "), false)]),
            }),
            _ => Ok(Auth::reject()),
        }
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: &[(russh::Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        session.data(channel, b"in\n".to_vec())?;
        session.exit_status_request(channel, 0)?;
        session.eof(channel)?;
        session.close(channel)
    }
}

async fn enter(asks: Asks, password: &str) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    keygen(&folder.path().join("host"), &["-t", "ed25519"]);
    let key = decode_secret_key(&std::fs::read_to_string(folder.path().join("host")).unwrap(), None).unwrap();
    let config = Arc::new(Config {
        keys: vec![key],
        auth_rejection_time: std::time::Duration::ZERO,
        ..Config::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(session) = run_stream(config.clone(), stream, asks).await {
                tokio::spawn(session);
            }
        }
    });
    let connection = object([
        ("host", text("127.0.0.1")),
        ("port", Value::number(i64::from(port))),
        ("password", text(password)),
        ("timeout", text("1s")),
    ]);
    let script = object([("inline", texts(&["echo in"]))]);
    let outcome = Case::new(folder.path()).over(connection).run("remote-exec", script).await;
    server.abort();
    outcome
}

#[tokio::test]
async fn a_password_is_given_however_it_is_asked_for() {
    for (interactively, tried) in [(false, "password"), (true, "password keyboard-interactive")] {
        let lines = enter(Asks { interactively }, "a secret").await.ok();
        assert_eq!(lines.last().unwrap(), "in");
        assert!(lines.contains(&"  Password: true".to_owned()) && !lines.join("\n").contains("a secret"));
        let outcome = enter(Asks { interactively }, "another").await;
        let fault = outcome.fault();
        assert!(fault.contains(&format!("attempted methods [{tried}")), "{fault}");
        assert!(!fault.contains("another"), "{fault}");
    }
}
