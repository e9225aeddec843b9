//! Bytes to lines: what a program prints, as it is handed on.
//!
//! A line is handed on when its end comes, or when it is longer than anybody reads; what is not UTF-8 is replaced.

/// A line that is longer is handed on in parts: a program that never ends its line does not fill the memory.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// Bytes at the end of a program's output that an error shows.
const TAIL_BYTES_MAX: usize = 8 * 1024;

/// Collects bytes until there is a line.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    open: Vec<u8>,
}

impl Lines {
    /// Takes bytes, and hands on the lines that they end.
    pub(crate) fn push(&mut self, mut bytes: &[u8], output: &dyn Fn(&str)) {
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.open.extend_from_slice(line);
            self.end(output);
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.open.extend_from_slice(bytes);
        if self.open.len() >= LINE_BYTES_MAX {
            self.end(output);
        }
    }

    /// Hands on what has no end yet.
    pub(crate) fn finish(mut self, output: &dyn Fn(&str)) {
        if !self.open.is_empty() {
            self.end(output);
        }
    }

    fn end(&mut self, output: &dyn Fn(&str)) {
        let line = self.open.strip_suffix(b"\r").unwrap_or(&self.open);
        output(&String::from_utf8_lossy(line));
        self.open.clear();
    }
}

/// The end of what a program printed.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    bytes: Vec<u8>,
}

impl Tail {
    /// Takes bytes. What is too old goes once twice the limit is there, so that each byte is moved at most once.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > 2 * TAIL_BYTES_MAX {
            self.bytes.drain(..self.bytes.len() - TAIL_BYTES_MAX);
        }
    }

    /// As text, without the space around it.
    pub(crate) fn text(&self) -> String {
        let start = self.bytes.len().saturating_sub(TAIL_BYTES_MAX);
        String::from_utf8_lossy(self.bytes.get(start..).unwrap_or_default()).trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::{LINE_BYTES_MAX, Lines, TAIL_BYTES_MAX, Tail};

    fn check(pieces: &[&[u8]], expect: &[&str]) {
        let seen = Mutex::new(Vec::new());
        let output = |line: &str| seen.lock().unwrap().push(line.to_owned());
        let mut lines = Lines::default();
        for piece in pieces {
            lines.push(piece, &output);
        }
        lines.finish(&output);
        assert_eq!(seen.into_inner().unwrap(), expect);
    }

    #[test]
    fn a_line_is_whole_however_its_bytes_came() {
        check(&[b"one\ntw", b"o\r\n\nthr", b"ee"], &["one", "two", "", "three"]);
        check(&["caf\u{e9}\n".as_bytes().split_at(4).0, "caf\u{e9}\n".as_bytes().split_at(4).1], &["café"]);
        check(&[b"\xff\n"], &["\u{fffd}"]);
        check(&[], &[]);
    }

    #[test]
    fn a_line_without_end_is_handed_on_in_parts() {
        let long = vec![b'x'; LINE_BYTES_MAX];
        let text = String::from_utf8(long.clone()).unwrap();
        check(&[&long, b"y"], &[&text, "y"]);
    }

    #[test]
    fn the_tail_keeps_the_newest_bytes() {
        let mut tail = Tail::default();
        for _ in 0..100 {
            tail.push(&[b'a'; 1000]);
        }
        tail.push(b"end\n");
        let text = tail.text();
        assert!(text.len() <= TAIL_BYTES_MAX && text.ends_with("aend"), "{}", text.len());
    }
}
