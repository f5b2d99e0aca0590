//! The loop of one member: poll, order, fold, commit; restore and snapshot around it.
//!
//! Runs on the thread that calls [`Service::run`], or step by step under a simulator. Everything it may not know
//! by itself is injected: the log, the fold, the clock, the object store, the failpoints.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bellwether_log::EventLog;

use crate::clock::Clock;
use crate::error::Error;
use crate::fold::FoldFactory;
use crate::options::Options;
use crate::status::Status;

/// Stops a service and looks at it, from any thread.
#[derive(Debug, Clone)]
pub struct Handle {
    stop: Arc<AtomicBool>,
    status: Arc<Status>,
}

impl Handle {
    /// Asks for a graceful stop: the batch is finished, snapshots are taken, the group is left.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// The shared picture.
    pub fn status(&self) -> &Status {
        &self.status
    }
}

/// What one round of the loop came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Something was folded, committed, assigned or restored.
    Worked,
    /// There was nothing to do.
    Idle,
    /// The service has stopped gracefully; further steps do nothing.
    Stopped,
}

/// One member of one role.
#[derive(Debug)]
pub struct Service {
    handle: Handle,
}

impl Service {
    /// Checks the options against the topics and joins the group.
    pub fn new(
        log: Arc<dyn EventLog>,
        factory: Arc<dyn FoldFactory>,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Self, Error> {
        let _ = (log, factory, clock, options);
        Ok(Self { handle: Handle { stop: Arc::default(), status: Arc::default() } })
    }

    /// Stops and looks at the service, from any thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// One round: a poll, a slice of restore work, at most one transaction, at most one snapshot.
    pub fn step(&mut self) -> Result<Step, Error> {
        Ok(Step::Stopped)
    }

    /// Rounds until a graceful stop or an error.
    pub fn run(mut self) -> Result<(), Error> {
        while self.step()? != Step::Stopped {}
        Ok(())
    }
}
