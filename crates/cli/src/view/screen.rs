//! Where things are printed and how.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use serde::Serialize;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

/// What people see goes to stdout; progress and faults go to stderr, so that a pipe holds only what was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// Print data instead of text.
    pub json: bool,
    out: bool,
    err: bool,
}

/// Colours by meaning.
#[derive(Debug, Clone, Copy)]
pub enum Paint {
    Good,
    Bad,
    Change,
    Faint,
    Strong,
    /// One of a few colours, for telling services apart in a log.
    Nth(usize),
}

impl Screen {
    pub fn new(color: Color, json: bool) -> Self {
        let wanted = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        };
        Self {
            json,
            out: wanted(std::io::stdout().is_terminal()),
            err: wanted(std::io::stderr().is_terminal()),
        }
    }

    /// Whether this screen has colours on stdout.
    pub fn has_colours(&self) -> bool {
        self.out
    }

    /// Whether faults are coloured.
    pub fn style(&self) -> diag::Style {
        if self.err { diag::Style::Coloured } else { diag::Style::Plain }
    }

    /// Text in a colour, if this screen has colours on stdout.
    pub fn paint(&self, paint: Paint, text: &str) -> String {
        if self.out { painted(paint, text) } else { text.to_owned() }
    }

    /// Text in a colour, if this screen has colours on stderr.
    pub fn paint_err(&self, paint: Paint, text: &str) -> String {
        if self.err { painted(paint, text) } else { text.to_owned() }
    }

    /// A line on stdout. A reader that has gone away is no fault.
    pub fn line(&self, text: &str) {
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }

    /// A line for people beside the result, on stderr; nothing with `--json`.
    pub fn note(&self, text: &str) {
        if !self.json {
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
    }

    /// One JSON document or line on stdout.
    pub fn data(&self, data: &impl Serialize) {
        match serde_json::to_string(data) {
            Ok(text) => self.line(&text),
            Err(error) => eprintln!("error: the answer cannot be printed as JSON: {error}"),
        }
    }
}

fn painted(paint: Paint, text: &str) -> String {
    const SERVICES: [u8; 6] = [36, 33, 35, 32, 34, 31];
    let code = match paint {
        Paint::Good => "32".to_owned(),
        Paint::Bad => "31".to_owned(),
        Paint::Change => "33".to_owned(),
        Paint::Faint => "2".to_owned(),
        Paint::Strong => "1".to_owned(),
        Paint::Nth(n) => SERVICES.get(n % SERVICES.len()).copied().unwrap_or(36).to_string(),
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}
