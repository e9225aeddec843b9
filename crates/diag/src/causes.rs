//! An error's causes as text.

use std::error::Error;

/// An error's text with those of its causes: many libraries' own text names none.
#[must_use]
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::fmt;
    use std::io;

    use super::with_causes;

    #[derive(Debug)]
    struct NotWritten(io::Error);

    impl fmt::Display for NotWritten {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the record was not written")
        }
    }

    impl Error for NotWritten {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn causes_follow_the_error_that_they_caused() {
        let error = NotWritten(io::Error::other("the disk is full"));
        assert_eq!(with_causes(&error), "the record was not written: the disk is full");
    }
}
