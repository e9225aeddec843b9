//! The format language of `formatdate`: runs of one letter are verbs, quotes hold text, everything else stands for itself.

use super::time::{Timestamp, offset_text};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The time in the format, or what is wrong with the format.
pub(super) fn format(format: &str, time: &Timestamp) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        if c == '\'' {
            rest = quoted(&rest[1..], &mut out).ok_or("unterminated literal '")?;
        } else if c.is_ascii_alphabetic() {
            let length = rest.bytes().take_while(|b| char::from(*b) == c).count();
            let (verb, after) = rest.split_at(length);
            out.push_str(
                &written(verb, c, time).map_err(|why| format!("invalid date format verb {verb:?}{why}"))?,
            );
            rest = after;
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    Ok(out)
}

/// Adds the text up to the closing quote, of which two stand for one; answers what follows, or `None` if nothing closes it.
fn quoted<'f>(mut rest: &'f str, out: &mut String) -> Option<&'f str> {
    // Two quotes at once are a quote, outside of a text as well as in one.
    if let Some(after) = rest.strip_prefix('\'') {
        out.push('\'');
        return Some(after);
    }
    loop {
        let (text, after) = rest.split_once('\'')?;
        out.push_str(text);
        match after.strip_prefix('\'') {
            Some(more) => {
                out.push('\'');
                rest = more;
            }
            None => return Some(after),
        }
    }
}

fn written(verb: &str, letter: char, time: &Timestamp) -> Result<String, &'static str> {
    let civil = time.civil();
    let name = |names: &'static [&'static str], at: u32| names.get(at as usize).copied().unwrap_or_default();
    let number = |n: u32| if verb.len() == 1 { n.to_string() } else { format!("{n:02}") };
    let short = |name: &str| name.chars().take(3).collect::<String>();
    let (month, day) = (name(&MONTHS, civil.month - 1), name(&DAYS, civil.weekday));
    let hour12 = if civil.hour.is_multiple_of(12) { 12 } else { civil.hour % 12 };
    Ok(match (letter, verb.len()) {
        ('Y', 4) => format!("{:04}", civil.year),
        ('Y', 2) => format!("{:02}", civil.year.rem_euclid(100)),
        ('Y', _) => return Err(": year must either be \"YY\" or \"YYYY\""),
        ('M', 1 | 2) => number(civil.month),
        ('M', 3) => short(month),
        ('M', 4) => month.to_owned(),
        ('M', _) => return Err(": month must be \"M\", \"MM\", \"MMM\", or \"MMMM\""),
        ('D', 1 | 2) => number(civil.day),
        ('D', _) => return Err(": day of month must either be \"D\" or \"DD\""),
        ('E', 3) => short(day),
        ('E', 4) => day.to_owned(),
        ('E', _) => return Err(": day of week must either be \"EEE\" or \"EEEE\""),
        ('h', 1 | 2) => number(civil.hour),
        ('h', _) => return Err(": 24-hour must either be \"h\" or \"hh\""),
        ('H', 1 | 2) => number(hour12),
        ('H', _) => return Err(": 12-hour must either be \"H\" or \"HH\""),
        ('A', 2) => (if civil.hour < 12 { "AM" } else { "PM" }).to_owned(),
        ('A', _) => return Err(": must be \"AA\""),
        ('a', 2) => (if civil.hour < 12 { "am" } else { "pm" }).to_owned(),
        ('a', _) => return Err(": must be \"aa\""),
        ('m', 1 | 2) => number(civil.minute),
        ('m', _) => return Err(": minute must either be \"m\" or \"mm\""),
        ('s', 1 | 2) => number(civil.second),
        ('s', _) => return Err(": second must either be \"s\" or \"ss\""),
        ('Z', 1) if time.offset == 0 => "Z".to_owned(),
        ('Z', 3) if time.offset == 0 => "UTC".to_owned(),
        ('Z', 3 | 4) => offset_text(time.offset, ""),
        ('Z', 1 | 5) => offset_text(time.offset, ":"),
        ('Z', _) => return Err(": timezone must be Z, ZZZZ, or ZZZZZ"),
        _ => return Err(""),
    })
}
