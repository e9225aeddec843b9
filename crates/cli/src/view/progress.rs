//! What happens while something runs: live lines on a terminal, plain lines elsewhere, JSON lines with `--json`.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::{Action, Address, Event, Events, Outcome};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{Paint, Screen, duration};

/// Shows events until it is finished.
#[derive(Clone)]
pub struct Progress {
    screen: Screen,
    live: Option<MultiProgress>,
    bars: Arc<Mutex<Bars>>,
}

#[derive(Default)]
struct Bars {
    resources: HashMap<Address, ProgressBar>,
    step: Option<ProgressBar>,
}

impl Progress {
    pub fn new(screen: &Screen) -> Self {
        let live = !screen.json && std::io::stderr().is_terminal();
        Self { screen: *screen, live: live.then(MultiProgress::new), bars: Arc::default() }
    }

    /// Where events go.
    pub fn events(&self) -> Events {
        let progress = self.clone();
        Events::to(move |event| progress.show(&event))
    }

    /// Takes the live lines away, so that something can be printed.
    pub fn finish(&self) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(step) = bars.step.take() {
            step.finish_and_clear();
        }
        for (_, bar) in bars.resources.drain() {
            bar.finish_and_clear();
        }
    }

    fn show(&self, event: &Event) {
        if self.screen.json {
            self.screen.data(event);
            return;
        }
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Step { message } => match &self.live {
                Some(live) => {
                    let bar = bars.step.get_or_insert_with(|| spinner(live));
                    bar.set_message(message.clone());
                }
                None => eprintln!("{message}"),
            },
            Event::Started { address, action, taking_back } => {
                if let Some(step) = bars.step.take() {
                    step.finish_and_clear();
                }
                let text = format!("{address}: {}", doing(*action, *taking_back));
                match &self.live {
                    Some(live) => {
                        let bar = spinner(live);
                        bar.set_message(text);
                        bars.resources.insert(address.clone(), bar);
                    }
                    None => eprintln!("{text}"),
                }
            }
            Event::Progress { address, message } => {
                let text = format!("{address}: {message}");
                match bars.resources.get(address) {
                    Some(bar) => bar.set_message(text),
                    None => eprintln!("{text}"),
                }
            }
            Event::Finished { address, outcome, took_ms, cause } => {
                if let Some(bar) = bars.resources.remove(address) {
                    bar.finish_and_clear();
                }
                self.print(&self.finished(address, *outcome, *took_ms, cause.as_deref()));
            }
            Event::Object { address, deposed, happened } => {
                if let Some(line) = super::object::line(address, deposed.as_deref(), happened) {
                    self.print(&line);
                }
            }
        }
    }

    fn finished(&self, address: &Address, outcome: Outcome, took_ms: u64, cause: Option<&str>) -> String {
        let (word, paint) = match outcome {
            Outcome::Done => ("done", Paint::Good),
            Outcome::Reverted => ("taken back", Paint::Change),
            Outcome::Failed => ("failed", Paint::Bad),
        };
        let cause = cause.and_then(|c| c.lines().next()).map(|c| format!(": {c}")).unwrap_or_default();
        format!("{address}: {} after {}{cause}", self.screen.paint_err(paint, word), duration(took_ms))
    }

    /// A line above the live ones.
    fn print(&self, text: &str) {
        match &self.live {
            Some(live) => {
                let _ = live.println(text);
            }
            None => eprintln!("{text}"),
        }
    }
}

fn doing(action: Action, taking_back: bool) -> &'static str {
    match (action, taking_back) {
        (_, true) => "taking back",
        (Action::Create, _) => "creating",
        (Action::Update, _) => "changing",
        (Action::Delete, _) => "deleting",
        (Action::None, _) => "looking",
    }
}

fn spinner(live: &MultiProgress) -> ProgressBar {
    let bar = live.add(ProgressBar::new_spinner());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
