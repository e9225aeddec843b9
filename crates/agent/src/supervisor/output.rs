//! The log of one instance: lines with time and stream, in a file that is rotated once. It keeps what the program wrote and
//! interprets none of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The longest line. A longer one is cut into several, so that a program that never ends a line costs no memory.
pub(crate) const LINE_BYTES_MAX: usize = 16 * 1024;
/// A log file's size before it is put aside; the one before it is kept, so that twice this is the most.
const FILE_BYTES_MAX: u64 = 10 * 1024 * 1024;

/// Where a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// The program's output.
    Stdout,
    /// The program's errors.
    Stderr,
    /// The supervisor's own words.
    Mainstay,
}

impl Stream {
    fn letter(self) -> char {
        match self {
            Self::Stdout => 'o',
            Self::Stderr => 'e',
            Self::Mainstay => 'm',
        }
    }

    /// The name that clients see.
    pub(crate) fn of_letter(letter: &str) -> Option<&'static str> {
        match letter {
            "o" => Some("stdout"),
            "e" => Some("stderr"),
            "m" => Some("mainstay"),
            _ => None,
        }
    }
}

/// Appends lines.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    size: u64,
}

impl Log {
    /// Opens the log at `path`, or goes on with it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_path_buf(), file, size })
    }

    /// Appends one line: `MILLISECONDS LETTER TEXT`. A full disk loses lines; it must not stop the program.
    pub(crate) fn line(&mut self, at_ms: u64, stream: Stream, text: &[u8]) {
        let mut line = format!("{at_ms} {} ", stream.letter()).into_bytes();
        // What is no text becomes a replacement character, and a carriage return before the end goes with the end.
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        line.extend_from_slice(String::from_utf8_lossy(text).as_bytes());
        line.push(b'\n');
        if self.size + line.len() as u64 > FILE_BYTES_MAX {
            let _ = self.rotate();
        }
        if self.file.write_all(&line).is_ok() {
            self.size += line.len() as u64;
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        fs::rename(&self.path, aside(&self.path))?;
        *self = Self::open(&self.path)?;
        Ok(())
    }
}

/// Where the log before the current one is.
pub(crate) fn aside(log: &Path) -> PathBuf {
    log.with_extension("1")
}

/// Cuts bytes into lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Takes bytes as they come and gives each line that they end, without its end.
    pub(crate) fn take(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let room = LINE_BYTES_MAX - self.rest.len();
            let length = end.unwrap_or(bytes.len()).min(room);
            self.rest.extend_from_slice(&bytes[..length]);
            bytes = &bytes[length..];
            let ended = end == Some(length);
            if ended {
                bytes = &bytes[1..];
            }
            if ended || self.rest.len() == LINE_BYTES_MAX {
                each(&self.rest);
                self.rest.clear();
                // The end of a line that was cut exactly here is not an empty line of its own.
                if !ended && bytes.first() == Some(&b'\n') {
                    bytes = &bytes[1..];
                }
            }
        }
    }

    /// Gives what had no end.
    pub(crate) fn finish(&mut self, mut each: impl FnMut(&[u8])) {
        if !self.rest.is_empty() {
            each(&self.rest);
            self.rest.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.take(piece, |line| found.push(line.to_vec()));
        }
        lines.finish(|line| found.push(line.to_vec()));
        found
    }

    #[test]
    fn lines_are_cut_wherever_the_pieces_end() {
        assert_eq!(
            cut(&[b"a\nb", b"c\n\n", b"d"]),
            [b"a".to_vec(), b"bc".to_vec(), Vec::new(), b"d".to_vec()]
        );
    }

    #[test]
    fn a_line_without_an_end_is_cut_at_its_greatest_length() {
        let long = vec![b'x'; LINE_BYTES_MAX + 3];
        let lengths: Vec<usize> = cut(&[&long, b"\ny\n"]).iter().map(Vec::len).collect();
        assert_eq!(lengths, [LINE_BYTES_MAX, 3, 1]);
    }
}
