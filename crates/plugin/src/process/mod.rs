//! The life of a provider's process: started with nothing in its environment but what it is given, greeted, and ended.

mod greeting;
mod life;
mod log;
mod short_rsa;
mod tls;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tonic::transport::Channel;

use crate::failure::{StartFailure, how_it_ended};
use crate::hidden::Wrapper;
use crate::plugin::{Reattach, ReattachAddress};
use crate::wire::Protocol;

pub(crate) use life::Life;

use greeting::{Greeting, Place};
use tls::Identity;

/// What a program is started with, so that it knows that it is started as a provider and not by hand.
const COOKIE: (&str, &str) =
    ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");

/// How long a program may take to say where it listens; that of Terraform.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longer than any greeting; what is longer is not one.
const GREETING_BYTES_MAX: u64 = 64 << 10;

/// A process that answers.
pub(crate) struct Process {
    pub(crate) channel: Channel,
    pub(crate) protocol: Protocol,
    pub(crate) life: Life,
}

/// Starts a program. `variables` are all that is in its environment, besides what the protocol wants.
pub(crate) async fn start(
    program: &Path,
    variables: &BTreeMap<OsString, OsString>,
    wrapper: Option<&Wrapper>,
) -> Result<Process, StartFailure> {
    let identity = Identity::new().map_err(StartFailure::Certificate)?;
    let mut command = match wrapper {
        Some(wrapper) => wrapper.command(program.as_os_str()),
        None => Command::new(program),
    };
    command
        .env_clear()
        // Most providers are written in Go, and spend as much on collecting what they threw away as on anything else: half of what the
        // AWS provider takes to start. Whoever has less memory than time says another number.
        .env("GOGC", "400")
        .envs(variables)
        .env(COOKIE.0, COOKIE.1)
        .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
        // Where there are no sockets in the file system, a port of these is taken.
        .env("PLUGIN_MIN_PORT", "10000")
        .env("PLUGIN_MAX_PORT", "25000")
        .env("PLUGIN_CLIENT_CERT", identity.certificate_pem())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let (life, stdout) = Life::begin(command)
        .await
        .map_err(|source| StartFailure::Execute { program: program.to_owned(), source })?;
    let greeted = async {
        let mut stdout = BufReader::new(stdout);
        let mut line = Vec::new();
        let mut limited = (&mut stdout).take(GREETING_BYTES_MAX);
        let read = limited.read_until(b'\n', &mut line);
        match tokio::time::timeout(PATIENCE, read).await {
            Err(_) => {
                let (program, log) = (program.to_owned(), life.last_words());
                Err(StartFailure::Silent { program, patience: PATIENCE, log })
            }
            Ok(_) if line.is_empty() => {
                let ended = how_it_ended(life.ended(Duration::from_secs(2)).await);
                Err(StartFailure::Ended { program: program.to_owned(), ended, log: life.last_words() })
            }
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                let greeting = Greeting::parse(text.trim_end());
                let greeting =
                    greeting.map_err(|why| StartFailure::Greeting { program: program.to_owned(), why })?;
                // Whatever a provider prints later has to go somewhere, or it would stand still.
                tokio::spawn(async move { tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await });
                Ok(greeting)
            }
        }
    };
    let result = async {
        let greeting = greeted.await?;
        let connected =
            tls::connect(&greeting.place, Some((&identity, greeting.certificate.as_deref()))).await;
        let channel = connected.map_err(|source| StartFailure::Connect {
            program: program.to_owned(),
            address: greeting.place.to_string(),
            log: life.last_words(),
            source,
        })?;
        Ok((channel, greeting.protocol))
    };
    match result.await {
        Ok((channel, protocol)) => Ok(Process { channel, protocol, life }),
        Err(failure) => {
            life.kill();
            Err(failure)
        }
    }
}

/// Takes up a process that somebody else started, who develops that provider. It talks without TLS, as such processes do.
pub(crate) async fn reattach(program: &Path, to: &Reattach) -> Result<Process, StartFailure> {
    let place = match &to.address {
        ReattachAddress::Unix(path) => Place::Unix(path.clone()),
        ReattachAddress::Tcp(address) => Place::Tcp(*address),
    };
    let channel = tls::connect(&place, None).await.map_err(|source| StartFailure::Connect {
        program: program.to_owned(),
        address: place.to_string(),
        log: Vec::new(),
        source,
    })?;
    Ok(Process { channel, protocol: to.protocol, life: Life::of_somebody() })
}
