//! The pipes of a program's output, on the supervisor's side: read without ever waiting, and cut into log lines.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::output::{Lines, Log, Stream};
use crate::record::now_ms;

/// Bytes read from a pipe at once; a pipe holds this much.
const READ_BYTES: usize = 64 * 1024;

/// One pipe that a program writes to.
pub(super) struct Output {
    pub(super) pipe: File,
    stream: Stream,
    lines: Lines,
    /// The program has closed it: it would be reported as readable for ever.
    pub(super) closed: bool,
}

impl Output {
    pub(super) fn new(pipe: OwnedFd, stream: Stream) -> io::Result<Self> {
        Ok(Self { pipe: nonblocking(pipe)?, stream, lines: Lines::default(), closed: false })
    }

    /// Reads what is there, once: a program that writes without pause must not keep the supervisor from its signals.
    pub(super) fn read(&mut self, log: &mut Log) -> bool {
        let mut bytes = [0; READ_BYTES];
        match self.pipe.read(&mut bytes) {
            Ok(length) if length > 0 => {
                let (at_ms, stream) = (now_ms(), self.stream);
                self.lines.take(&bytes[..length], |line| log.line(at_ms, stream, line));
                true
            }
            Err(fault) if matches!(fault.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                false
            }
            Ok(_) | Err(_) => {
                self.closed = true;
                let (at_ms, stream) = (now_ms(), self.stream);
                self.lines.finish(|line| log.line(at_ms, stream, line));
                false
            }
        }
    }

    /// Reads all that is left after the program's end, up to what a pipe can hold many times over.
    pub(super) fn drain(&mut self, log: &mut Log) {
        for _ in 0..64 {
            if !self.read(log) {
                break;
            }
        }
        let (at_ms, stream) = (now_ms(), self.stream);
        self.lines.finish(|line| log.line(at_ms, stream, line));
    }
}

/// A pipe's end that never waits.
pub(super) fn nonblocking(fd: OwnedFd) -> io::Result<File> {
    fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(fd.into())
}
