//! Colours, where they are wanted. The codes are the terminal's own sixteen.

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(pub bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Green.
    #[must_use]
    pub fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    /// Red.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    /// Yellow.
    #[must_use]
    pub fn change(self, text: &str) -> String {
        self.with("33", text)
    }

    /// Cyan.
    #[must_use]
    pub fn read(self, text: &str) -> String {
        self.with("36", text)
    }

    /// Bold.
    #[must_use]
    pub fn strong(self, text: &str) -> String {
        self.with("1", text)
    }

    /// Dim.
    #[must_use]
    pub fn faint(self, text: &str) -> String {
        self.with("90", text)
    }
}
