//! The demo's terminal: counts what would be printed, since thousands of messages would hide the story.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_notify::channel::BoxFuture;
use bellwether_notify::{Accepted, Channel, ChannelKind, Delivery, DeliveryError, Outlet, Target};

use crate::failure::{Context as _, Exit, Failure};

/// Messages delivered, by level.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told(Arc<Mutex<BTreeMap<u32, usize>>>);

impl Told {
    /// The target that counts here.
    ///
    /// # Errors
    /// Never: it has no setting that could be wrong.
    pub(crate) fn outlet(&self) -> Result<Outlet, Failure> {
        Outlet::new(Target::terminal("terminal"), Arc::new(self.clone()))
            .or_fail(Exit::Internal, || "the demo's terminal is no target".to_owned())
    }

    /// Messages of each level so far.
    pub(crate) fn by_level(&self) -> BTreeMap<u32, usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All messages so far.
    pub(crate) fn count(&self) -> usize {
        self.by_level().values().sum()
    }
}

impl Channel for Told {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Terminal
    }

    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<Accepted, DeliveryError>> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *told.entry(delivery.step.level).or_insert(0) += 1;
        Box::pin(std::future::ready(Ok(Accepted::default())))
    }
}
