//! What can go wrong at the port, and what the caller is to do about it.
//!
//! Callers decide by [`Error::class`], never by text.

/// The answer of the port.
pub type Result<T> = std::result::Result<T, Error>;

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Nothing happened; the same call may be made again.
    Transient,
    /// The transaction was aborted: undo the batch, rewind to the committed positions, go on.
    Aborted,
    /// Another owner has taken over a partition of the transaction, or the producer's id: undo the batch and poll on.
    /// What was lost is polled as revoked, if it was not already; partitions that stay are rewound as after
    /// `Aborted`.
    Fenced,
    /// The outcome is unknown: re-open the member, read the committed positions, then decide.
    Indefinite,
    /// Nothing a retry would mend: stop and tell the operator.
    Fatal,
}

/// A failed call.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    /// What was attempted, on what.
    what: String,
    /// What to do about it.
    class: ErrorClass,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error without a cause below it.
    pub fn new(class: ErrorClass, what: impl Into<String>) -> Self {
        Self { what: what.into(), class, source: None }
    }

    /// An error with its cause.
    pub fn with_source(
        class: ErrorClass,
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { what: what.into(), class, source: Some(source.into()) }
    }

    /// What the caller is to do.
    pub fn class(&self) -> ErrorClass {
        self.class
    }
}
