//! Keeps the store off the loop: a helper thread that publishes and loads, and reports back.
//!
//! At most one publication and one load per unit are under way; a unit that is busy skips its turn. The inline
//! form does the same work on the calling thread, so that a simulation is one thread and one order.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use bellwether_log::Position;

use super::codec::Snapshot;
use super::depot::{Depot, LoadError, Loaded, PublishError};
use super::objects::ObjectsError;
use crate::fold::UnitId;

/// A load to carry out. `ticket` tells a late answer from the one waited for.
#[derive(Debug)]
pub(crate) struct LoadRequest {
    pub(crate) unit: UnitId,
    pub(crate) ticket: u64,
    pub(crate) committed: Option<Vec<Position>>,
    pub(crate) refused: BTreeSet<String>,
}

#[derive(Debug)]
enum Job {
    Publish(Box<Snapshot>),
    Load(LoadRequest),
}

/// What became of a job.
#[derive(Debug)]
pub(crate) enum Report {
    Published { unit: UnitId, outcome: Result<(String, usize), PublishError> },
    Loaded { unit: UnitId, ticket: u64, outcome: Result<Loaded, LoadError> },
}

/// The helper.
#[derive(Debug)]
pub(crate) struct Worker {
    form: Form,
    /// Units with a publication under way.
    publishing: BTreeSet<UnitId>,
    /// Reports taken in while waiting for another.
    reports: Vec<Report>,
}

#[derive(Debug)]
enum Form {
    Inline(Box<Depot>),
    Thread { jobs: Sender<Job>, done: Receiver<Report> },
}

impl Worker {
    /// Works on the calling thread.
    pub(crate) fn inline(depot: Depot) -> Self {
        Self { form: Form::Inline(Box::new(depot)), publishing: BTreeSet::new(), reports: Vec::new() }
    }

    /// Works on a thread of its own, which ends when the worker is dropped and its last job is done.
    pub(crate) fn threaded(depot: Depot, role: &str) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let (reports, done) = mpsc::channel();
        std::thread::Builder::new()
            .name(format!("snapshots-{role}"))
            .spawn(move || work_off(depot, &queue, &reports))?;
        Ok(Self { form: Form::Thread { jobs, done }, publishing: BTreeSet::new(), reports: Vec::new() })
    }

    /// Makes an inline helper load snapshots ahead of the commit.
    #[cfg(test)]
    pub(crate) fn trust(&mut self) {
        if let Form::Inline(depot) = &mut self.form {
            depot.trusting = true;
        }
    }

    /// Hands over a snapshot; false when one of this unit is still under way.
    pub(crate) fn publish(&mut self, snapshot: Snapshot) -> bool {
        let unit = snapshot.header.unit();
        if !self.publishing.insert(unit) {
            return false;
        }
        self.submit(Job::Publish(Box::new(snapshot)));
        true
    }

    /// True while a publication of this unit is under way.
    pub(crate) fn is_publishing(&self, unit: UnitId) -> bool {
        self.publishing.contains(&unit)
    }

    /// Asks for a load; the answer comes as a report.
    pub(crate) fn load(&mut self, request: LoadRequest) {
        self.submit(Job::Load(request));
    }

    /// Takes what has been done since the last call.
    pub(crate) fn reports(&mut self) -> Vec<Report> {
        if let Form::Thread { done, .. } = &self.form {
            self.reports.extend(done.try_iter());
        }
        for report in &self.reports {
            if let Report::Published { unit, .. } = report {
                self.publishing.remove(unit);
            }
        }
        std::mem::take(&mut self.reports)
    }

    /// Waits for one report at most this long; true while publications are still under way.
    pub(crate) fn wait(&mut self, timeout: Duration) -> bool {
        if let (Form::Thread { done, .. }, false) = (&self.form, self.publishing.is_empty()) {
            match done.recv_timeout(timeout) {
                Ok(report) => self.reports.push(report),
                Err(RecvTimeoutError::Timeout) => {}
                // The thread is gone, and with it what was under way.
                Err(RecvTimeoutError::Disconnected) => self.publishing.clear(),
            }
        }
        !self.publishing.is_empty()
    }

    fn submit(&mut self, job: Job) {
        match &mut self.form {
            Form::Inline(depot) => {
                let report = carry_out(depot, job);
                self.reports.push(report);
            }
            Form::Thread { jobs, .. } => {
                if let Err(mpsc::SendError(job)) = jobs.send(job) {
                    self.reports.push(refuse(job));
                }
            }
        }
    }
}

/// The answer to a job when the thread is gone.
fn refuse(job: Job) -> Report {
    let gone = |doing| ObjectsError::new(doing, "the snapshot thread has ended");
    match job {
        Job::Publish(snapshot) => Report::Published {
            unit: snapshot.header.unit(),
            outcome: Err(PublishError::Objects(gone("handing over a snapshot"))),
        },
        Job::Load(LoadRequest { unit, ticket, .. }) => {
            Report::Loaded { unit, ticket, outcome: Err(LoadError::Objects(gone("asking for a snapshot"))) }
        }
    }
}

fn work_off(mut depot: Depot, queue: &Receiver<Job>, reports: &Sender<Report>) {
    while let Ok(job) = queue.recv() {
        if reports.send(carry_out(&mut depot, job)).is_err() {
            return;
        }
    }
}

fn carry_out(depot: &mut Depot, job: Job) -> Report {
    match job {
        Job::Publish(snapshot) => {
            Report::Published { unit: snapshot.header.unit(), outcome: depot.publish(&snapshot) }
        }
        Job::Load(request) => {
            let LoadRequest { unit, ticket, committed, refused } = request;
            Report::Loaded { unit, ticket, outcome: depot.load(unit, committed.as_deref(), &refused) }
        }
    }
}
