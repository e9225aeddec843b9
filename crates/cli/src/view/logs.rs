//! Lines of services, told apart by colour.

use std::collections::BTreeMap;

use agent_api::LogLine;

use super::{Paint, Screen};

/// Prints lines, each service in a colour of its own.
pub struct LogPrinter {
    screen: Screen,
    colours: BTreeMap<String, usize>,
    width: usize,
}

impl LogPrinter {
    pub fn new(screen: &Screen) -> Self {
        Self { screen: *screen, colours: BTreeMap::new(), width: 0 }
    }

    pub fn print(&mut self, line: &LogLine) {
        if self.screen.json {
            self.screen.data(line);
            return;
        }
        let next = self.colours.len();
        let colour = *self.colours.entry(line.service.clone()).or_insert(next);
        // The end of an id is what tells instances of one service apart.
        let id: String = line.instance.0.rsplit('-').next().unwrap_or_default().to_owned();
        let name = format!("{}-{id}", line.service);
        self.width = self.width.max(name.chars().count());
        let head = format!("{name}{} |", " ".repeat(self.width - name.chars().count()));
        let text = match line.stream.as_str() {
            "mainstay" => self.screen.paint(Paint::Faint, &line.text),
            _ => line.text.clone(),
        };
        self.screen.line(&format!("{} {text}", self.screen.paint(Paint::Nth(colour), &head)));
    }
}
