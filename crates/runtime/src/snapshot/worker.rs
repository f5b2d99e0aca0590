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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::options::{DeadLetterTopic, Options, Restore};
    use crate::snapshot::codec::tests::sample;
    use crate::snapshot::{MemoryObjects, Objects, ObjectsError, Put};

    /// How long a report may take before the test gives up.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// A store whose puts wait for leave.
    #[derive(Debug)]
    struct Gate {
        objects: MemoryObjects,
        leave: Mutex<Receiver<()>>,
    }

    impl Objects for Gate {
        fn put_new(&self, name: &str, bytes: Vec<u8>) -> Result<Put, ObjectsError> {
            let leave = self.leave.lock().unwrap().recv();
            leave.map_err(|error| ObjectsError::new(format!("creating {name}"), error))?;
            self.objects.put_new(name, bytes)
        }

        fn get(&self, name: &str) -> Result<Option<Vec<u8>>, ObjectsError> {
            self.objects.get(name)
        }

        fn list(&self, folder: &str) -> Result<Vec<String>, ObjectsError> {
            self.objects.list(folder)
        }

        fn delete(&self, name: &str) -> Result<(), ObjectsError> {
            self.objects.delete(name)
        }
    }

    fn gated() -> (Worker, MemoryObjects, Sender<()>) {
        let (leave, waiting) = channel();
        let objects = MemoryObjects::default();
        let gate: Arc<dyn Objects> = Arc::new(Gate { objects: objects.clone(), leave: Mutex::new(waiting) });
        let dead_letters = DeadLetterTopic { topic: "dlq".to_owned(), partitions: 1 };
        let restore = Restore::Snapshots(Arc::clone(&gate));
        let options = Options::new("app", "process", "facts", 64, dead_letters, restore);
        (Worker::threaded(Depot::new(gate, &options), "process").unwrap(), objects, leave)
    }

    #[test]
    fn a_slow_store_holds_nobody_up_and_a_busy_unit_skips_its_turn() {
        let (mut worker, objects, leave) = gated();
        assert!(worker.publish(sample(1, vec![1])));
        assert!(worker.is_publishing(UnitId(7)));
        assert!(!worker.publish(sample(2, vec![1])), "one of a unit at a time");
        assert!(worker.reports().is_empty());
        assert!(objects.all().is_empty());

        leave.send(()).unwrap();
        assert!(worker.wait(PATIENCE), "told until the report is taken in");
        assert!(matches!(&worker.reports()[..], [Report::Published { outcome: Ok(_), .. }]));
        assert!(!worker.is_publishing(UnitId(7)));
        assert!(!worker.wait(PATIENCE), "nothing is under way");
        assert_eq!(objects.all().len(), 1);
    }

    #[test]
    fn a_load_is_answered_with_its_ticket() {
        let (mut worker, _, leave) = gated();
        leave.send(()).unwrap();
        assert!(worker.publish(sample(5, vec![1])));
        assert!(worker.wait(PATIENCE));
        worker.reports();
        worker.load(LoadRequest { unit: UnitId(7), ticket: 9, committed: None, refused: BTreeSet::new() });
        // Another publication is a report behind the answer, and can be waited for.
        leave.send(()).unwrap();
        assert!(worker.publish(sample(6, vec![1])));
        while worker.wait(PATIENCE) {
            for report in worker.reports() {
                if let Report::Loaded { ticket, outcome, .. } = report {
                    let (_, snapshot) = outcome.unwrap().found.unwrap();
                    assert_eq!((ticket, snapshot.header.inputs[0].next_offset), (9, 5));
                    return;
                }
            }
        }
        panic!("the load was not answered");
    }

    #[test]
    fn a_store_that_fails_is_reported_and_the_unit_is_free_again() {
        let (mut worker, _, leave) = gated();
        drop(leave);
        assert!(worker.publish(sample(1, vec![1])));
        assert!(worker.wait(PATIENCE));
        assert!(matches!(&worker.reports()[..], [Report::Published { outcome: Err(_), .. }]));
        assert!(worker.publish(sample(2, vec![1])));
    }
}
