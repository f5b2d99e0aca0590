//! The terminal channel: messages as plain text on an output such as standard error.
//!
//! Whoever sees the screen or its log reads it, so it counts as readable by peers, whatever its target says.

use std::fmt;
use std::io::Write;
use std::sync::Mutex;

use super::{Accepted, BoxFuture, Cause, Channel, ChannelKind, Delivery, DeliveryError};

/// Writes messages to an output.
pub struct Terminal {
    output: Mutex<Box<dyn Write + Send>>,
}

impl Terminal {
    /// A terminal that writes to `output`.
    pub fn new(output: impl Write + Send + 'static) -> Self {
        Self { output: Mutex::new(Box::new(output)) }
    }

    fn write(&self, text: &str) -> std::io::Result<()> {
        let mut output = self.output.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        output.write_all(text.as_bytes())?;
        output.flush()
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Terminal")
    }
}

impl Channel for Terminal {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Terminal
    }

    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<Accepted, DeliveryError>> {
        // An empty line parts one message from the next.
        let written = self.write(&format!("{}\n", delivery.message.to_text()));
        Box::pin(std::future::ready(match written {
            Ok(()) => Ok(Accepted::default()),
            Err(_) => Err(DeliveryError::retryable(Cause::Output)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn writes_the_message_as_text() {
        let shared = Shared::default();
        let delivery = crate::delivery::testing::delivery("a title");
        Terminal::new(shared.clone()).deliver(&delivery).await.unwrap();
        let text = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text, format!("{}\n", delivery.message.to_text()));
        assert!(text.contains("a title"));
    }

    #[tokio::test]
    async fn a_closed_output_is_tried_again() {
        let delivery = crate::delivery::testing::delivery("a title");
        let error = Terminal::new(Closed).deliver(&delivery).await.unwrap_err();
        assert_eq!(error, DeliveryError::retryable(Cause::Output));
    }
}
