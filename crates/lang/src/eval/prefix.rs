//! What is certain about the beginning of a text whose rest is not known yet.

use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation;

/// Signs that nothing that follows them changes. Any other may be one half of what a reader sees as one, as `e` is of `é`.
const ENDS: &str = "-_:;/\\,.(){}[]|?!~ \t@#$%^&*+\"'";

/// The beginning of a text that its rest, whatever it is, cannot change; none if there is no such thing.
pub(crate) fn certain_prefix(text: &str) -> Option<Arc<str>> {
    if text.ends_with(|c| ENDS.contains(c)) {
        return Some(text.into());
    }
    let last = text.grapheme_indices(true).next_back().map_or(0, |(at, _)| at);
    text.get(..last).filter(|prefix| !prefix.is_empty()).map(Into::into)
}
