//! Calls into a fold, with panics turned into values.
//!
//! A fold that panicked may hold half a change, so whoever gets a panic from a call that may change the state drops
//! the fold and restores it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Longest panic message kept; it becomes a header and a log field.
const MAX_MESSAGE_BYTES: usize = 500;

/// What a panic said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Panicked(pub(crate) String);

/// Calls `body`; a panic in it is an error.
pub(crate) fn guarded<T>(body: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| Panicked(message(payload.as_ref())))
}

/// Drops a value whose destructor may panic, as that of a torn fold may.
pub(crate) fn drop_guarded<T>(value: T) {
    if let Err(Panicked(message)) = guarded(|| drop(value)) {
        tracing::error!(message, "fold panicked while it was dropped");
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic without a message");
    text.chars()
        .scan(0, |bytes, c| {
            *bytes += c.len_utf8();
            (*bytes <= MAX_MESSAGE_BYTES).then_some(c)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(guarded(|| 7), Ok(7));
        let number = 3;
        assert_eq!(guarded(|| panic!("plain")), Err::<(), _>(Panicked("plain".to_owned())));
        assert_eq!(guarded(|| panic!("number {number}")), Err::<(), _>(Panicked("number 3".to_owned())));
        let long = guarded(|| panic!("{}", "ä".repeat(1_000)));
        assert_eq!(long, Err::<(), _>(Panicked("ä".repeat(MAX_MESSAGE_BYTES / 2))));
    }
}
