//! Words for a shell on another machine.
//!
//! Whoever logs in may have any shell: what is quoted here is a word in all those that know single quotes.

/// A text as one word.
pub(crate) fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A path as one word; `~/` at its beginning is the home folder there.
pub(crate) fn path(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) => format!("\"$HOME\"/{}", word(rest)),
        None => word(path),
    }
}

/// A script for `sh` with its arguments, which are words already, as one command for any shell.
pub(crate) fn shell(script: &str, arguments: &[String]) -> String {
    format!("sh -c {} sh {}", word(script), arguments.join(" "))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    #[test]
    fn a_shell_reads_every_word_as_it_was() {
        for text in ["", "a b", "it's", "$HOME `x` \"y\" \\", "line\nline", "!", "*", "--", "ü"] {
            let script = format!("printf %s {}", super::word(text));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
    }

    #[test]
    fn home_is_the_home_there() {
        let script = super::shell("printf %s \"$1\"", &[super::path("~/it's $here")]);
        let output = Command::new("sh").args(["-c", &script]).env("HOME", "/some where").output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "/some where/it's $here");
    }
}
