//! Where a verb's answer goes: text for people, or a stream of JSON lines. Nothing is decided here.

mod stream;

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Sources};
use engine::stack::StackPlan;
use engine::{Address, Event, Events, Happened, KnownBy, Work};
use operations::Fault;
use serde_json::json;
use value::Value;

use crate::text::plan::Counts;
use crate::text::{self, Paint};

/// How answers are given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// A stream of JSON instead of text.
    pub json: bool,
    /// Colours.
    pub paint: Paint,
    /// Warnings in a line each, where there are no errors.
    pub compact: bool,
}

/// Text on stdout. A reader that has gone away is no fault.
pub(crate) fn say(text: &str) {
    let _ = write!(std::io::stdout().lock(), "{text}");
}

impl View {
    pub fn new(json: bool, no_color: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        Self {
            json,
            paint: Paint(!no_color && !json && wanted && std::io::stdout().is_terminal()),
            compact: false,
        }
    }

    /// The first line of a stream.
    pub fn begin(&self) {
        if self.json {
            stream::line(
                "info",
                "Terraform 1.11.4",
                json!({ "type": "version", "terraform": "1.11.4", "ui": "1.2" }),
            );
        }
    }

    /// Text on stdout, where text is wanted.
    pub fn text(&self, text: &str) {
        if !self.json {
            say(text);
        }
    }

    /// A line of data on stdout.
    pub fn data(&self, text: &str) {
        say(&format!("{text}\n"));
    }

    /// A step of a longer work, under the name that a stream has for it.
    pub fn step(&self, code: &str, text: &str) {
        if self.json {
            stream::line("info", text, json!({ "message_code": code, "type": "init_output" }));
        } else {
            say(&format!("{text}\n"));
        }
    }

    /// One of several things that were found or done.
    pub fn log(&self, text: &str) {
        if self.json {
            stream::line("info", text, json!({ "type": "log" }));
        } else {
            say(&format!("- {text}\n"));
        }
    }

    /// What is going on.
    pub fn line(&self, text: &str) {
        if self.json {
            stream::line("info", text, json!({ "type": "log" }));
        } else {
            say(&format!("{text}\n"));
        }
    }

    /// A fault of what was asked for, or of what was found; answers the exit code.
    pub fn usage(&self, summary: &str, detail: &str) -> u8 {
        let fault = Diagnostic::error("usage", summary);
        let fault = if detail.is_empty() { fault } else { fault.because(detail) };
        self.diagnostics(&fault.into(), &Sources::default());
        crate::commands::FAILED
    }

    /// A fault of an operation on the state; answers the exit code.
    pub fn refused(&self, fault: Diagnostic) -> u8 {
        self.diagnostics(&fault.into(), &Sources::default());
        crate::commands::FAILED
    }

    /// How the state was opened. Who reads a stream compares it with Terraform's, and a state that was taken over is no news to it.
    pub fn notes(&self, notes: &Diagnostics, sources: &Sources) {
        let mut notes = notes.clone();
        notes.0.retain(|note| !self.json || note.code != "taken-over");
        self.diagnostics(&notes, sources);
    }

    /// Faults and warnings.
    pub fn diagnostics(&self, diagnostics: &Diagnostics, sources: &Sources) {
        if self.json {
            for diagnostic in &diagnostics.0 {
                stream::diagnostic(diagnostic, sources);
            }
        } else if self.compact && !diagnostics.is_empty() && !diagnostics.has_errors() {
            let lines: Vec<String> = diagnostics.0.iter().map(|it| compact(it, sources)).collect();
            let _ = writeln!(
                std::io::stderr().lock(),
                "\nWarnings:\n\n{}\n\nTo see the full warning notes, leave out -compact-warnings.",
                lines.join("\n")
            );
        } else if !diagnostics.is_empty() {
            let style = if self.paint.0 { diag::Style::Coloured } else { diag::Style::Plain };
            let _ = writeln!(std::io::stderr().lock(), "{}", diag::render_all(diagnostics, sources, style));
        }
    }

    /// Why a use case could not be done; answers the exit code.
    pub fn fault(&self, fault: &Fault) -> u8 {
        let none = Sources::default();
        let sources = match fault {
            Fault::Configuration { sources, .. } => sources,
            _ => &none,
        };
        self.diagnostics(fault.diagnostics(), sources);
        crate::commands::FAILED
    }

    /// What a plan that was saved is going to do; a person has seen it before.
    pub fn saved_plan(&self, plan: &StackPlan) {
        if self.json {
            stream::changes(plan);
        }
    }

    /// The outputs that there are after a refresh.
    pub fn outputs(&self, outputs: &[(String, Value)]) {
        if self.json {
            stream::outputs(outputs);
        } else if !outputs.is_empty() {
            self.text(&format!("\n{}\n\n{}", self.paint.strong("Outputs:"), text::state::outputs(outputs)));
        }
    }

    /// A plan, with its summary.
    pub fn plan(&self, plan: &StackPlan) {
        if self.json {
            stream::plan(plan);
        } else {
            self.text(&format!("\n{}", text::plan::plan(plan, self.paint)));
        }
    }

    /// What happens, as it happens.
    pub fn events(&self) -> Events {
        let view = *self;
        Events::to(move |event| view.event(&event))
    }

    fn event(self, event: &Event) {
        let (address, deposed, happened) = match event {
            Event::Object { address, deposed, happened } => (address, deposed, happened),
            Event::Step { message } => return self.line(message),
            // Of services, which a stack has not.
            Event::Started { .. } | Event::Progress { .. } | Event::Finished { .. } => return,
        };
        if self.json {
            stream::happened(address, happened);
        } else if let Some(text) = told(address, deposed.as_ref(), happened) {
            self.text(&format!("{text}\n"));
        }
    }

    /// What an apply came to.
    pub fn applied(&self, counts: Counts, outputs: &[(String, Value)]) {
        if self.json {
            stream::summary(counts, "apply");
        } else {
            let imported =
                if counts.import > 0 { format!("{} imported, ", counts.import) } else { String::new() };
            let forgotten =
                if counts.forget > 0 { format!(", {} forgotten", counts.forget) } else { String::new() };
            self.done(&format!(
                "Apply complete! Resources: {imported}{} added, {} changed, {} destroyed{forgotten}.",
                counts.add, counts.change, counts.remove
            ));
        }
        self.outputs(outputs);
    }

    /// What a destruction came to. It leaves no outputs.
    pub fn destroyed(&self, counts: Counts) {
        if self.json {
            stream::summary(counts, "destroy");
        } else {
            self.done(&format!("Destroy complete! Resources: {} destroyed.", counts.remove));
        }
    }

    /// The good end of something.
    pub fn done(&self, text: &str) {
        self.text(&format!("\n{}\n", self.paint.strong(&self.paint.good(text))));
    }
}

/// A warning in a line.
fn compact(warning: &Diagnostic, sources: &Sources) -> String {
    let place = warning.span.map_or_else(String::new, |span| {
        format!("\n  on {} line {}", sources.path(span.file), sources.position(span.file, span.start).line)
    });
    format!("- {}{place}", warning.message)
}

/// A line for people.
fn told(address: &Address, deposed: Option<&Arc<str>>, happened: &Happened) -> Option<String> {
    let name = deposed.map_or_else(|| address.to_string(), |key| format!("{address} (deposed object {key})"));
    stream::message(&name, happened)
}

/// ` [id=x]`.
fn known(by: Option<&KnownBy>) -> String {
    by.map_or_else(String::new, |by| format!(" [{}={}]", by.key, by.value))
}

fn seconds(ms: u64) -> String {
    let seconds = ms / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, m, s) => format!("{h}h{m}m{s}s"),
    }
}

/// What is being done, and what was.
fn words(work: Work) -> (&'static str, &'static str) {
    match work {
        Work::Create => ("Creating", "Creation"),
        Work::Read => ("Reading", "Read"),
        Work::Update => ("Modifying", "Modifications"),
        Work::Delete => ("Destroying", "Destruction"),
        Work::Open => ("Opening", "Opening"),
        Work::Renew => ("Renewing", "Renewal"),
        Work::Close => ("Closing", "Closing"),
    }
}
