//! The table as it grows: a row for each case and size, each side as soon as it is known.

use std::io::Write as _;

use super::cases::Case;
use super::reading::Reading;
use crate::measure::Figures;

/// What a side's three figures take.
const SIDE_WIDTH: usize = 36;

/// Prints the head.
pub fn head() {
    let side = |name: &str| format!("{:>14}{:>11}{:>11}", format!("{name} wall"), "CPU", "peak");
    println!("{:>7}  {:<11}{:>8}{}{}{:>8}", "", "case", "N", side("ours:"), side("oracle:"), "ratio");
}

/// Begins a row.
pub fn begin(at: usize, of: usize, case: &Case, size: usize) {
    show(&format!("{:>7}  {:<11}{:>8}", format!("{at}/{of}"), case.name, thousands(size)));
}

/// Our side of the row.
pub fn ours(reading: &Reading) {
    show(&side("ours", reading));
}

/// The other side, and the end of the row; below it what is to be said of either.
pub fn theirs(ours: &Reading, theirs: &Reading, size: usize) {
    let not_run = match theirs {
        Reading::TooSlow(_) => format!("  oracle: not run (too slow at {})", thousands(size)),
        theirs => side("oracle", theirs),
    };
    show(&not_run);
    if let (Reading::Done(ours), Reading::Done(theirs)) = (ours, theirs) {
        show(&format!("{:>8}", ratio(ours, theirs)));
    }
    println!();
    for (name, reading) in [("ours", ours), ("oracle", theirs)] {
        if let Reading::TooSlow(reason) | Reading::Failed(reason) = reading {
            println!("{:>9}{name}: {}", "", reason.replace('\n', "\n           "));
        }
    }
}

/// How many times their processor time is ours.
pub fn ratio(ours: &Figures, theirs: &Figures) -> String {
    format!("{:.1}", theirs.cpu_ms as f64 / ours.cpu_ms.max(1) as f64)
}

fn side(name: &str, reading: &Reading) -> String {
    match reading {
        Reading::Done(f) => {
            format!(
                "{:>14}{:>11}{:>11}",
                seconds(f.wall_ms),
                seconds(f.cpu_ms),
                format!("{} MB", f.peak_mb())
            )
        }
        Reading::TooSlow(_) => format!("{:>SIDE_WIDTH$}", format!("{name}: too slow")),
        Reading::Failed(_) => format!("{:>SIDE_WIDTH$}", format!("{name}: failed")),
        Reading::LeftOut => format!("{:>SIDE_WIDTH$}", format!("{name}: not run")),
    }
}

fn show(text: &str) {
    print!("{text}");
    let _ = std::io::stdout().flush();
}

/// Milliseconds as a person reads them.
pub fn seconds(ms: u64) -> String {
    format!("{:.2} s", ms as f64 / 1000.0)
}

/// A number in groups of three digits.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
