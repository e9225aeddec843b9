//! Text between quotes as people read it.

/// It is no expression: what would begin a template is left as it is.
#[must_use]
pub fn quoted(text: &str) -> String {
    lang::write::quoted(text).replace("$${", "${").replace("%%{", "%{")
}
