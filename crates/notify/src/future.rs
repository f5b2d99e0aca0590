//! The boxed future of the ports, so that they can be trait objects.

use std::future::Future;
use std::pin::Pin;

/// A boxed future that borrows for `'a`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
