//! What has to hold of every input, whatever its bytes: no panic, no endless loop, and what each check says beside.
//!
//! The targets in `bin/` hand the fuzzer's bytes to one check each; `bin/all.rs` to the one that the first byte names. Nothing here
//! draws random numbers: an input that failed fails again.

mod evaluate;
mod meaning;

use diag::{Diagnostics, FileId};
use lang::syntax::{self, Body};

pub use evaluate::{expression, template};

/// Runs the check that the first byte names on the rest.
pub fn any(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    match first % 6 {
        0 => configuration(rest),
        1 => layout(rest),
        2 => expression(rest),
        3 => template(rest),
        4 => json(rest),
        _ => values(rest),
    }
}

/// A text is read as a configuration: tokens do not overlap, and places are inside of the text.
pub fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut at = 0;
    for token in syntax::tokenize(text) {
        assert!(token.start >= at && token.end >= token.start, "tokens overlap");
        assert!(text.is_char_boundary(token.start as usize) && text.is_char_boundary(token.end as usize));
        at = token.end;
    }
    let parsed = syntax::parse(FileId(0), text);
    inside(&parsed.diagnostics, text);
}

/// A text is read as a configuration in JSON, and all that could be blocks is made blocks of.
pub fn json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let parsed = syntax::parse_json(FileId(0), text);
    inside(&parsed.diagnostics, text);
    let mut bodies: Vec<Body> = parsed.tree.blocks.into_iter().map(|b| b.body).collect();
    while let Some(mut body) = bodies.pop() {
        // Which names are blocks, and with how many labels, hangs on the name alone.
        let faults = body.promote(|name| name.len().checked_rem(4).filter(|labels| *labels < 3));
        inside(&faults, text);
        bodies.extend(body.blocks.into_iter().map(|b| b.body));
    }
}

/// A text is read as a file of values in both syntaxes. What a value is not known to be has a fault.
pub fn values(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for parsed in [lang::values::parse_hcl(FileId(0), text), lang::values::parse_json(FileId(0), text)] {
        inside(&parsed.diagnostics, text);
        let known = parsed.tree.iter().all(|given| given.value.is_wholly_known());
        assert!(known || parsed.diagnostics.has_errors(), "{text:?} has an unknown value");
    }
}

/// Every place is inside of the text.
fn inside(faults: &Diagnostics, text: &str) {
    for fault in &faults.0 {
        let Some(span) = fault.span else { continue };
        let (start, end) = (span.start as usize, span.end as usize);
        assert!(start <= end && end <= text.len(), "{}: {span:?}", fault.message);
        assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "{}: {span:?}", fault.message);
    }
}

/// A text without faults keeps its meaning when it is laid out, and its layout is the same when it is made again.
pub fn layout(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(formatted) = lang::format(text, FileId(0)) else { return };
    let again = lang::format(&formatted, FileId(0));
    assert_eq!(again.as_deref(), Ok(formatted.as_str()), "laying out {text:?} twice changes it");
    let (before, after) = (syntax::parse(FileId(0), text).tree, syntax::parse(FileId(0), &formatted).tree);
    assert!(meaning::same(&before, &after), "{text:?} means something else as {formatted:?}");
}
