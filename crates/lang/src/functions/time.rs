//! Functions of timestamps (RFC 3339). They read no clock.

use value::{Number, Value};

use super::arguments::{Arguments, Failure};
use super::date_format;
use super::signature::{Function, Parameter, Shape};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "formatdate",
        &[Parameter::new("format", Shape::String), Parameter::new("time", Shape::String)],
        Shape::String,
        format_date,
        "A timestamp in another format.",
    ),
    Function::new(
        "timeadd",
        &[Parameter::new("timestamp", Shape::String), Parameter::new("duration", Shape::String)],
        Shape::String,
        time_add,
        "The timestamp a duration later.",
    ),
    Function::new(
        "timecmp",
        &[Parameter::new("timestamp_a", Shape::String), Parameter::new("timestamp_b", Shape::String)],
        Shape::Number,
        time_compare,
        "-1, 0 or 1, as the first timestamp is before, at or after the second.",
    ),
];

/// A date and time of day with an offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timestamp {
    /// Seconds of the local time since 1970-01-01T00:00:00, as if it were UTC.
    local: i64,
    pub(super) nanosecond: u32,
    /// Seconds that the local time is ahead of UTC.
    pub(super) offset: i32,
}

/// A day and time of day, taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: u32,
    pub(super) day: u32,
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) second: u32,
    /// 0 is Sunday.
    pub(super) weekday: u32,
}

const DAY: i64 = 86_400;

/// Days since 1970-01-01 of a day in the Gregorian calendar (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * i64::from((month + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = small(of_year - (153 * shifted + 2) / 5 + 1);
    let month = small(if shifted < 10 { shifted + 3 } else { shifted - 9 });
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// A number that is known to be a day, hour or the like.
fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Timestamp {
    /// In UTC, so many seconds since 1970-01-01.
    pub(super) fn at(seconds: i64) -> Self {
        Self { local: seconds, nanosecond: 0, offset: 0 }
    }

    pub(super) fn civil(&self) -> Civil {
        let (days, of_day) = (self.local.div_euclid(DAY), self.local.rem_euclid(DAY));
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month,
            day,
            hour: small(of_day / 3600),
            minute: small(of_day / 60 % 60),
            second: small(of_day % 60),
            // 1970-01-01 was a Thursday.
            weekday: small((days + 4).rem_euclid(7)),
        }
    }

    /// By RFC 3339, or why not.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let year = digits(&mut rest, 4, "year")?;
        literal(&mut rest, '-')?;
        let month = digits(&mut rest, 2, "month")?;
        literal(&mut rest, '-')?;
        let day = digits(&mut rest, 2, "day")?;
        let Some(mut rest) = rest.strip_prefix('T') else {
            return Err("missing required time introducer 'T'".to_owned());
        };
        let hour = digits(&mut rest, 2, "hour")?;
        literal(&mut rest, ':')?;
        let minute = digits(&mut rest, 2, "minute")?;
        literal(&mut rest, ':')?;
        let second = digits(&mut rest, 2, "second")?;
        if let Some(fault) = out_of_range(year, month, day, hour, minute, second) {
            return Err(fault);
        }
        let mut nanosecond = 0;
        if let Some(fraction) = rest.strip_prefix(['.', ',']) {
            let count = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if count == 0 {
                return Err(format!("cannot use {rest:?} as UTC offset"));
            }
            let padded = format!("{:0<9}", &fraction[..count.min(9)]);
            nanosecond = padded.parse().unwrap_or_default();
            rest = &fraction[count..];
        }
        let offset = utc_offset(rest)?;
        let local =
            days_from_civil(year, small(month), small(day)) * DAY + hour * 3600 + minute * 60 + second;
        Ok(Self { local, nanosecond, offset })
    }

    /// Seconds and nanoseconds since 1970 in UTC.
    fn instant(self) -> (i64, u32) {
        (self.local - i64::from(self.offset), self.nanosecond)
    }

    /// By RFC 3339, without a fraction.
    pub(super) fn text(self) -> String {
        let c = self.civil();
        let offset = if self.offset == 0 { "Z".to_owned() } else { offset_text(self.offset, ":") };
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{offset}",
            c.year, c.month, c.day, c.hour, c.minute, c.second
        )
    }
}

/// An offset from UTC as `+01:00` or `+0100`.
pub(super) fn offset_text(offset: i32, between: &str) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let minutes = offset.unsigned_abs() / 60;
    format!("{sign}{:02}{between}{:02}", minutes / 60, minutes % 60)
}

fn digits(rest: &mut &str, count: usize, what: &str) -> Result<i64, String> {
    let found = rest.get(..count).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let Some(found) = found else {
        return Err(if rest.is_empty() {
            format!("end of string before {what}")
        } else {
            format!("cannot use {rest:?} as {what}")
        });
    };
    *rest = &rest[count..];
    found.parse().map_err(|_| format!("cannot use {found:?} as {what}"))
}

fn literal(rest: &mut &str, wanted: char) -> Result<(), String> {
    match rest.strip_prefix(wanted) {
        Some(after) => {
            *rest = after;
            Ok(())
        }
        None if rest.is_empty() => Err(format!("end of string where {:?} is expected", wanted.to_string())),
        None => {
            let found: String = rest.chars().take_while(|c| *c != wanted).collect();
            Err(format!("found {found:?} where {:?} is expected", wanted.to_string()))
        }
    }
}

fn out_of_range(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64) -> Option<String> {
    let between = |what: &str, number: i64, least: i64, most: i64| {
        (!(least..=most).contains(&number))
            .then(|| format!("{what} must be between {least} and {most} inclusive"))
    };
    between("month", month, 1, 12)
        .or_else(|| {
            let last = days_in_month(year, small(month));
            (!(1..=i64::from(last)).contains(&day)).then(|| "day out of range".to_owned())
        })
        .or_else(|| between("hour", hour, 0, 23))
        .or_else(|| between("minute", minute, 0, 59))
        .or_else(|| between("second", second, 0, 59))
}

fn utc_offset(text: &str) -> Result<i32, String> {
    let wrong = || Err(format!("cannot use {text:?} as UTC offset"));
    let (sign, mut rest) = match text.bytes().next() {
        None => return Err("end of string before UTC offset".to_owned()),
        Some(b'Z') if text.len() == 1 => return Ok(0),
        Some(b'Z') => return Err(format!("cannot use {:?} as timestamp segment", &text[1..])),
        Some(b'+') => (1, &text[1..]),
        Some(b'-') => (-1, &text[1..]),
        _ => return wrong(),
    };
    let (Ok(hours), Ok(()), Ok(minutes)) =
        (digits(&mut rest, 2, "hours"), literal(&mut rest, ':'), digits(&mut rest, 2, "minutes"))
    else {
        return wrong();
    };
    if hours > 23 || minutes > 59 || !rest.is_empty() {
        return wrong();
    }
    i32::try_from(hours * 3600 + minutes * 60).map(|seconds| sign * seconds).or_else(|_| wrong())
}

fn argument(a: &Arguments<'_>, at: usize, to_argument: bool) -> Result<Timestamp, Failure> {
    Timestamp::parse(a.text(at)).map_err(|why| {
        Failure::showing(to_argument.then_some(at), |show| {
            format!("not a valid RFC3339 timestamp: {}", show(why.clone()))
        })
    })
}

fn format_date(a: &Arguments<'_>) -> Result<Value, Failure> {
    let time = argument(a, 1, true)?;
    date_format::format(a.text(0), &time)
        .map(Value::string)
        .map_err(|why| Failure::showing(Some(0), |show| show(why.clone())))
}

fn time_compare(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (first, second) = (argument(a, 0, true)?, argument(a, 1, true)?);
    Ok(Value::number(Number::from(first.instant().cmp(&second.instant()) as i64)))
}

fn time_add(a: &Arguments<'_>) -> Result<Value, Failure> {
    let time = argument(a, 0, false)?;
    let given = a.text(1);
    let duration = nanoseconds(given).map_err(|why| {
        Failure::showing(None, |show| format!("time: {why} {}", show(format!("{given:?}"))))
    })?;
    let total = i128::from(time.local) * 1_000_000_000 + i128::from(time.nanosecond) + i128::from(duration);
    let local = i64::try_from(total.div_euclid(1_000_000_000)).unwrap_or(i64::MAX);
    Ok(Value::string(Timestamp { local, ..time }.text()))
}

/// A duration in the form of Go's `time.ParseDuration`: `-1.5h30m`.
fn nanoseconds(text: &str) -> Result<i64, String> {
    let invalid = || "invalid duration".to_owned();
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let length = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let (number, after) = rest.split_at(length);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > 18 {
            return Err(invalid());
        }
        let unit_length = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_length);
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "" => return Err("missing unit in duration".to_owned()),
            other => return Err(format!("unknown unit {other:?} in duration")),
        };
        total += whole.parse::<i128>().unwrap_or(0) * scale;
        // Twelve digits of an hour are below a nanosecond.
        let fraction = &fraction[..fraction.len().min(15)];
        total += fraction.parse::<i128>().unwrap_or(0) * scale
            / 10i128.pow(u32::try_from(fraction.len()).unwrap_or(0));
        if total > i128::from(i64::MAX) {
            return Err(invalid());
        }
        rest = next;
    }
    i64::try_from(sign * total).map_err(|_| invalid())
}

/// A timestamp as YAML has it (a day alone, a space for the `T`, parts of one digit) by RFC 3339; `None` if it is not one.
pub(super) fn from_yaml(content: &str) -> Option<String> {
    let (date, time) = match content.find(['T', 't', ' ']) {
        Some(at) => (&content[..at], content[at + 1..].trim_start()),
        None => (content, ""),
    };
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return None };
    let is_number =
        |s: &str, most: usize| (1..=most).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    if year.len() != 4 || !is_number(year, 4) || !is_number(month, 2) || !is_number(day, 2) {
        return None;
    }
    let date = format!("{year}-{month:0>2}-{day:0>2}");
    if time.is_empty() {
        let is_day = content.len() == parts.iter().map(|p| p.len() + 1).sum::<usize>() - 1;
        return Timestamp::parse(&format!("{date}T00:00:00Z")).ok().filter(|_| is_day).map(Timestamp::text);
    }
    let clock = time.bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b':' | b'.')).count();
    let (clock, zone) = time.split_at(clock);
    let clock = if clock.find(':') == Some(1) { format!("0{clock}") } else { clock.to_owned() };
    let zone = zone.trim_start();
    let zone = if zone.is_empty() { "Z" } else { zone };
    Timestamp::parse(&format!("{date}T{clock}{zone}")).ok().map(Timestamp::text)
}
