//! One command on another machine, on a channel of its own.
//!
//! What it prints is handed on as it comes. It can be interrupted, and then has a while to end by itself.

use std::str::FromStr;
use std::time::Duration;

use nix::sys::signal::Signal;
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Pty, Sig};
use tokio::io::AsyncRead;
use tokio_util::sync::CancellationToken;

use crate::lines::Tail;
use crate::ssh::{Session, SshError};

/// The pause after a channel was refused the first time; it doubles with each.
const CHANNEL_PAUSE: Duration = Duration::from_millis(10);

/// How often a refused channel is tried again: about a second in all.
const CHANNEL_ATTEMPTS: u32 = 7;

/// What a command reads.
pub(crate) enum Input<'a> {
    /// Nothing, at a terminal: what it starts ends with it, and it can be interrupted from there. Its outputs are one.
    Terminal,
    /// These bytes.
    Bytes(Box<dyn AsyncRead + Send + Unpin + 'a>),
}

/// A command to be run.
pub(crate) struct Run<'a> {
    /// For the login shell there.
    pub(crate) command: String,
    pub(crate) input: Input<'a>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Exit {
    /// Its exit code; `None` where only a signal is told.
    pub(crate) code: Option<u32>,
    /// The signal that ended it.
    pub(crate) signal: Option<String>,
    /// The end of what it wrote to its error output; empty at a terminal.
    pub(crate) errors: String,
}

impl Exit {
    /// Whether it did what it was for.
    pub(crate) fn success(&self) -> bool {
        self.code == Some(0) && self.signal.is_none()
    }

    /// In the oracle's words.
    pub(crate) fn describe(&self) -> String {
        // A machine that tells only a signal means what a shell would make of it.
        let by_signal = self.signal.as_ref().and_then(|name| Signal::from_str(&format!("SIG{name}")).ok());
        let code = self.code.or_else(|| by_signal.map(|signal| 128 + signal as u32));
        let mut text = match code {
            Some(code) => format!("Process exited with status {code}"),
            None => "Process exited".to_owned(),
        };
        if let Some(signal) = &self.signal {
            text.push_str(&format!(" from signal {signal}"));
        }
        if !self.errors.is_empty() {
            text.push_str(&format!(": {}", self.errors));
        }
        text
    }
}

impl Session {
    /// Opens a channel. A machine that allows few of them at a time may not have noticed yet that the last one is closed.
    async fn channel(&self) -> Result<Channel<Msg>, SshError> {
        let mut pause = CHANNEL_PAUSE;
        for _ in 0..CHANNEL_ATTEMPTS {
            match self.handle.channel_open_session().await {
                Err(russh::Error::ChannelOpenFailure(_)) => tokio::time::sleep(pause).await,
                opened => return Ok(opened?),
            }
            pause *= 2;
        }
        Ok(self.handle.channel_open_session().await?)
    }

    /// Runs a command to its end. `output` gets the bytes that it prints.
    pub(crate) async fn run(
        &self,
        run: Run<'_>,
        output: &mut (dyn FnMut(&[u8]) + Send),
        cancelled: &CancellationToken,
    ) -> Result<Exit, SshError> {
        let channel = self.channel().await?;
        let (mut reader, writer) = channel.split();
        let terminal = matches!(run.input, Input::Terminal);
        if terminal {
            // A terminal that echoes nothing. A machine that has none to give runs the command without.
            writer.request_pty(true, "xterm", 80, 40, 0, 0, &[(Pty::ECHO, 0)]).await?;
            accepted(&mut reader).await?;
        }
        writer.exec(true, run.command).await?;
        if !accepted(&mut reader).await? {
            return Err(SshError::NotStarted);
        }
        let mut followed = Followed { output, terminal, exit: None, errors: Tail::default() };
        let ended = tokio::select! {
            ended = feed_and_follow(&mut reader, &writer, run.input, &mut followed) => Some(ended),
            () = cancelled.cancelled() => None,
        };
        match ended {
            Some(ended) => ended?,
            None => {
                interrupt(&mut reader, &writer, self.grace, &mut followed).await;
                return Err(SshError::Interrupted);
            }
        }
        let Some((code, signal)) = followed.exit else { return Err(SshError::Lost) };
        Ok(Exit { code, signal, errors: followed.errors.text() })
    }
}

/// Waits for the answer to a request.
async fn accepted(reader: &mut ChannelReadHalf) -> Result<bool, SshError> {
    loop {
        match reader.wait().await {
            Some(ChannelMsg::Success) => return Ok(true),
            Some(ChannelMsg::Failure) => return Ok(false),
            Some(_) => {}
            None => return Err(SshError::Lost),
        }
    }
}

/// What is known of a command under way.
struct Followed<'a> {
    output: &'a mut (dyn FnMut(&[u8]) + Send),
    terminal: bool,
    exit: Option<(Option<u32>, Option<String>)>,
    errors: Tail,
}

/// Sends the input while the output is read: a command that ends early leaves nobody waiting to send.
async fn feed_and_follow(
    reader: &mut ChannelReadHalf,
    writer: &ChannelWriteHalf<Msg>,
    input: Input<'_>,
    followed: &mut Followed<'_>,
) -> Result<(), SshError> {
    let Input::Bytes(bytes) = input else {
        follow(reader, followed).await;
        return Ok(());
    };
    let mut source = Source { bytes, failure: None };
    let failure = {
        let feed = async {
            let sent = writer.data(&mut source).await;
            let failure = source.failure.take();
            // Without an end of the input, what was cut off by a failure here is not taken for the whole.
            if sent.is_ok() && failure.is_none() {
                writer.eof().await?;
            } else {
                writer.close().await?;
            }
            Ok::<_, russh::Error>(failure)
        };
        let following = follow(reader, followed);
        tokio::pin!(feed, following);
        tokio::select! {
            () = &mut following => None,
            // If sending fails the command has ended, and its own words say why.
            fed = &mut feed => {
                following.await;
                fed.ok().flatten()
            }
        }
    };
    failure.map_or(Ok(()), |failure| Err(SshError::Read(failure)))
}

/// Reads until the channel is closed.
async fn follow(reader: &mut ChannelReadHalf, followed: &mut Followed<'_>) {
    while let Some(message) = reader.wait().await {
        match message {
            ChannelMsg::Data { data } => (followed.output)(&data),
            // A machine that had no terminal to give keeps the outputs apart.
            ChannelMsg::ExtendedData { data, .. } if followed.terminal => (followed.output)(&data),
            ChannelMsg::ExtendedData { data, .. } => followed.errors.push(&data),
            ChannelMsg::ExitStatus { exit_status } => {
                let signal = followed.exit.take().and_then(|(_, signal)| signal);
                followed.exit = Some((Some(exit_status), signal));
            }
            ChannelMsg::ExitSignal { signal_name, .. } => {
                let code = followed.exit.take().and_then(|(code, _)| code);
                followed.exit = Some((code, Some(signal(&signal_name))));
            }
            _ => {}
        }
    }
}

/// Interrupts as a person at the terminal would, waits a while, and takes the terminal away, which hangs the command up.
async fn interrupt(
    reader: &mut ChannelReadHalf,
    writer: &ChannelWriteHalf<Msg>,
    grace: Duration,
    followed: &mut Followed<'_>,
) {
    // Whatever fails here fails because the command or the connection has ended, which is what is wanted.
    if followed.terminal {
        let _ = writer.data_bytes(&b"\x03"[..]).await;
        let _ = tokio::time::timeout(grace, follow(reader, followed)).await;
    }
    let _ = writer.close().await;
}

fn signal(signal: &Sig) -> String {
    match signal {
        Sig::Custom(name) => name.clone(),
        known => format!("{known:?}"),
    }
}

/// Bytes to be sent, and why they ended before their end.
struct Source<'a> {
    bytes: Box<dyn AsyncRead + Send + Unpin + 'a>,
    failure: Option<std::io::Error>,
}

impl AsyncRead for Source<'_> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let polled = std::pin::Pin::new(&mut self.bytes).poll_read(context, buffer);
        if let std::task::Poll::Ready(Err(error)) = polled {
            let copy = std::io::Error::new(error.kind(), error.to_string());
            self.failure = Some(error);
            return std::task::Poll::Ready(Err(copy));
        }
        polled
    }
}
