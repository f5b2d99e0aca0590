//! What a command says when it fails: what, why, what to do; and the exit code that scripts can rely on.
//!
//! Invariants: every failure says what to do, in general words where nobody found better ones; no cause is told twice.

use std::fmt;

/// Exit codes; documented in docs/reference/cli.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command ran and found something to report: a difference, a mismatch, unreadable input.
    Findings = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// A file could not be read, understood or written.
    Input = 3,
    /// The log could not be reached, or refused.
    Log = 4,
    /// Something that should not happen.
    Internal = 5,
}

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Exit code.
    pub exit: Exit,
    /// What failed, on what.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Why.
    pub source: Option<anyhow::Error>,
}

impl Failure {
    /// A failure without a cause below it.
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), hint: None, source: None }
    }

    /// Says what to do.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says why.
    #[must_use]
    pub(crate) fn because(mut self, source: impl Into<anyhow::Error>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        let told = self.source.as_ref().map(|source| causes(source.as_ref())).unwrap_or_default();
        for cause in told {
            write!(f, "\n  because: {cause}")?;
        }
        write!(f, "\n  to do: {}", self.hint.as_deref().unwrap_or_else(|| self.exit.hint()))
    }
}

impl Exit {
    /// What to do where nothing better is known.
    fn hint(self) -> &'static str {
        match self {
            Self::Findings => "look at what is listed",
            Self::Usage => {
                "`bellwether COMMAND --help` says what a command takes, `bellwether config check` what is set"
            }
            Self::Input => "see that the path is the one you mean, and that you may use it",
            Self::Log => "see that the brokers run and are reachable; `bellwether doctor` looks at the rest",
            Self::Internal => "this should not happen: report it with the command and the lines above",
        }
    }
}

/// An error and what lies below it, without what the line above has said already: many errors repeat their cause.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if !told.iter().any(|above| above.contains(&text)) {
            told.push(text);
        }
        next = cause.source();
    }
    told
}

impl From<anyhow::Error> for Failure {
    fn from(source: anyhow::Error) -> Self {
        Self::new(Exit::Internal, "the command failed").because(source)
    }
}

/// Adds what failed to any error.
pub(crate) trait Context<T> {
    /// Wraps the error.
    fn or_fail(self, exit: Exit, what: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> Context<T> for Result<T, E> {
    fn or_fail(self, exit: Exit, what: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(exit, what()).because(error))
    }
}

/// Adds what to do to a failure that may be.
pub(crate) trait Advice {
    /// Says what to do, unless it went well.
    fn to_do(self, hint: &str) -> Self;
}

impl<T> Advice for Result<T, Failure> {
    fn to_do(self, hint: &str) -> Self {
        self.map_err(|failure| failure.hint(hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error that says its cause again, as many of the libraries do.
    #[derive(Debug, thiserror::Error)]
    #[error("not a line of events: {0}")]
    struct Repeating(#[source] std::fmt::Error);

    #[test]
    fn a_cause_that_the_line_above_tells_is_not_told_again() {
        let text = Failure::new(Exit::Input, "no").because(Repeating(std::fmt::Error)).to_string();
        assert_eq!(text.matches(&std::fmt::Error.to_string()).count(), 1, "{text}");
        assert_eq!(text.matches("because:").count(), 1, "{text}");
    }

    #[test]
    fn every_failure_says_what_to_do_and_a_hint_of_its_own_comes_first() {
        for exit in [Exit::Findings, Exit::Usage, Exit::Input, Exit::Log, Exit::Internal] {
            assert!(Failure::new(exit, "no").to_string().contains("\n  to do: "), "{exit:?}");
        }
        let text = Failure::new(Exit::Input, "no").hint("mend it").to_string();
        assert!(text.ends_with("  to do: mend it"), "{text}");
    }
}
