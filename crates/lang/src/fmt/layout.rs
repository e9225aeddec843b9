//! Indentation, and the columns in which `=` and trailing comments stand.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::syntax::TokenKind as K;

/// A token of a line.
pub(super) struct Word<'a> {
    pub kind: K,
    pub text: Cow<'a, str>,
    /// Whether a space is before it.
    pub space: bool,
}

impl<'a> Word<'a> {
    pub fn new(kind: K, text: &'a str) -> Self {
        Self { kind, text: text.into(), space: false }
    }
}

/// A line, its words, and how it is written.
#[derive(Default)]
pub(super) struct Line<'a> {
    pub words: Vec<Word<'a>>,
    /// The line break at its end, as it was; none at the end of the text.
    pub ending: &'a str,
    /// Blanks at its start.
    indent: usize,
    /// Blanks before its `=` beyond one.
    before_assign: usize,
    /// Blanks before its trailing comment beyond one.
    before_comment: usize,
}

impl Line<'_> {
    /// The word that is its `=`: the first, if as many brackets are closed behind it as are opened there. That it may be one
    /// inside of brackets which the line begins or ends is how `terraform fmt` has it.
    fn assign(&self) -> Option<usize> {
        let at = self.words.iter().skip(1).position(|word| word.kind == K::Assign)? + 1;
        (net(self.words.get(at..).unwrap_or_default()) == 0).then_some(at)
    }

    /// The word that is its trailing comment: one that goes up to the line's end, or any that ends the text.
    fn comment(&self) -> Option<usize> {
        let last = self.words.len().checked_sub(1)?;
        let is_comment = match self.words.get(last)?.kind {
            K::LineComment => true,
            K::BlockComment => self.ending.is_empty(),
            _ => false,
        };
        (last > 0 && is_comment).then_some(last)
    }

    /// Columns of its words up to one, without the indentation.
    fn width(&self, until: usize) -> usize {
        let words = self.words.iter().take(until);
        words.map(|word| columns(&word.text) + usize::from(word.space)).sum()
    }
}

/// How many characters a reader sees. Indian consonants that a virama joins are one each, as older editions of Unicode count them, and
/// `terraform fmt` with them.
fn columns(text: &str) -> usize {
    // A line break of two characters is one.
    if text.is_ascii() && !text.contains('\r') {
        return text.len();
    }
    let in_cluster = |cluster: &str| {
        let pairs = cluster.char_indices().zip(cluster.char_indices().skip(1));
        let joined = pairs.filter(|((start, _), (at, c))| {
            let pair = cluster.get(*start..at + c.len_utf8()).unwrap_or("");
            c.is_alphabetic() && pair.graphemes(true).count() > 1
        });
        1 + joined.count()
    };
    text.graphemes(true).map(in_cluster).sum()
}

/// How many brackets some words open beyond those that they close.
fn net<'a>(words: impl IntoIterator<Item = &'a Word<'a>>) -> isize {
    let each = words.into_iter().map(|word| match word.kind {
        K::OpenBrace | K::OpenBracket | K::OpenParen | K::Interpolation | K::Directive => 1,
        K::CloseBrace | K::CloseBracket | K::CloseParen | K::TemplateEnd => -1,
        _ => 0,
    });
    each.sum()
}

/// The lines as a text.
pub(super) fn write(mut lines: Vec<Line<'_>>) -> String {
    indent(&mut lines);
    align_assigns(&mut lines);
    align_comments(&mut lines);
    let mut text = String::new();
    for line in &lines {
        write_line(line, &mut text);
        text.push_str(line.ending);
    }
    text
}

fn write_line(line: &Line<'_>, text: &mut String) {
    if line.words.is_empty() {
        return;
    }
    let (assign, comment) = (line.assign(), line.comment());
    text.extend(std::iter::repeat_n(' ', line.indent));
    for (i, word) in line.words.iter().enumerate() {
        let more = match i {
            _ if Some(i) == assign => line.before_assign,
            _ if Some(i) == comment => line.before_comment,
            _ => 0,
        };
        text.extend(std::iter::repeat_n(' ', more + usize::from(word.space)));
        text.push_str(&word.text);
    }
}

/// Two blanks for each line that has opened more than it closed and is not made up for. What a heredoc opens on the line on which it
/// begins is not counted unless the line has an `=` of its own, and what it closes later is: that is how `terraform fmt` has it.
fn indent(lines: &mut [Line<'_>]) {
    let mut open: Vec<isize> = Vec::new();
    for line in lines {
        let counts_all = line.assign().is_some();
        let net = net(line.words.iter().take_while(|word| counts_all || word.kind != K::OpenHeredoc));
        if net < 0 {
            let mut closed = -net;
            while closed > 0 {
                let Some(top) = open.last_mut() else { break };
                if *top > closed {
                    *top -= closed;
                    closed = 0;
                } else {
                    closed -= *top;
                    open.pop();
                }
            }
        }
        line.indent = open.len() * 2;
        if net > 0 {
            open.push(net);
        }
    }
}

/// Neighbouring lines `name = value` whose value ends with the line have their `=` in one column.
fn align_assigns(lines: &mut [Line<'_>]) {
    for_each_run(
        lines,
        |line| line.assign().map(|at| line.indent + line.width(at)),
        |line, more| line.before_assign = more,
    );
}

/// Neighbouring lines with a trailing comment have it in one column.
fn align_comments(lines: &mut [Line<'_>]) {
    for_each_run(
        lines,
        |line| line.comment().map(|at| line.indent + line.before_assign + line.width(at)),
        |line, more| line.before_comment = more,
    );
}

/// Widens every line of each run of neighbours that have a width to the widest of the run.
fn for_each_run<'a>(
    lines: &mut [Line<'a>],
    width: impl Fn(&Line<'a>) -> Option<usize>,
    mut widen: impl FnMut(&mut Line<'a>, usize),
) {
    let widths: Vec<Option<usize>> = lines.iter().map(width).collect();
    let mut start = 0;
    while start < lines.len() {
        let length = widths[start..].iter().take_while(|w| w.is_some()).count();
        let widest = widths[start..start + length].iter().flatten().max().copied().unwrap_or(0);
        for (line, width) in lines[start..start + length].iter_mut().zip(&widths[start..start + length]) {
            widen(line, widest - width.unwrap_or(widest));
        }
        start += length.max(1);
    }
}
