//! What a command says when it fails: what, why, what to do; and the exit code that scripts can rely on.

use std::fmt;

/// Exit codes; documented in docs/reference/cli.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command ran and found something to report: a difference, a mismatch, unreadable input.
    Findings = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// A file could not be read or understood.
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
        if let Some(source) = &self.source {
            for cause in source.chain() {
                write!(f, "\n  because: {cause}")?;
            }
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  to do: {hint}")?;
        }
        Ok(())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(source: anyhow::Error) -> Self {
        Self::new(Exit::Internal, "the command failed").because(source)
    }
}

/// Adds what failed and what to do to any error.
pub(crate) trait Context<T> {
    /// Wraps the error.
    fn or_fail(self, exit: Exit, what: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> Context<T> for Result<T, E> {
    fn or_fail(self, exit: Exit, what: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(exit, what()).because(error))
    }
}
