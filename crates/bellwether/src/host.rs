//! Hosts roles: one thread per folding role, a runtime for what speaks HTTP, one stop for all.
//!
//! A role that fails stops the others: half of the flow running looks like health. Stopping is graceful: batches are
//! finished, snapshots taken, groups left.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use bellwether_log::{Assignor, EventLog};
use bellwether_model::Thresholds;
use bellwether_runtime::{
    Clock, ClockRule, DeadLetterTopic, FoldFactory, Handle, InputOrder, NoClock, Objects, Options, Restore,
    Service, SystemClock,
};
use bellwether_wire::topics::Topic;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::failure::{self, Advice as _, Context as _, Exit, Failure};
use crate::keys::Keys;
use crate::ready::Readiness;
use crate::roles::{EscalateFactory, ProcessFactory, RouteFactory};
use crate::topic_set::{TimeMode, TopicSet};

/// A folding role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Events to facts.
    Route,
    /// Facts to triggers.
    Process,
    /// Triggers to steps.
    Escalate,
}

impl Role {
    /// All of them, in the order of the flow.
    pub(crate) const ALL: [Role; 3] = [Role::Route, Role::Process, Role::Escalate];

    /// Name in groups, metrics and commands.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Role::Route => "route",
            Role::Process => "process",
            Role::Escalate => "escalate",
        }
    }
}

/// What roles need.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// Topics.
    pub topics: TopicSet,
    /// Keys.
    pub keys: Keys,
    /// Thresholds before reference data.
    pub thresholds: Thresholds,
    /// Snapshots.
    pub objects: Arc<dyn Objects>,
    /// Number of this process among those of one role.
    pub ordinal: u32,
    /// What a start takes up.
    pub restore: config::Restore,
}

/// A running role.
#[derive(Debug)]
pub(crate) struct Running {
    /// Which.
    pub role: Role,
    /// Stops it and looks at it.
    pub handle: Handle,
    thread: JoinHandle<Result<(), bellwether_runtime::Error>>,
}

/// Opens the folder of snapshots.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn snapshot_folder(dir: &Path) -> Result<Arc<dyn Objects>, Failure> {
    let bucket = bellwether_runtime::Bucket::folder(dir)
        .or_fail(Exit::Input, || format!("cannot use {} for snapshots", dir.display()))
        .to_do("name a folder that you may make and write to with --dir or snapshots.dir")?;
    Ok(Arc::new(bucket))
}

/// Starts a role on a thread of its own. `failed` is cancelled when it ends with an error or panics.
///
/// # Errors
/// When the topics do not fit or the group cannot be joined.
pub(crate) fn start(plan: &Plan, role: Role, failed: &CancellationToken) -> Result<Running, Failure> {
    let (options, factory) = parts(plan, role);
    let clock: Arc<dyn Clock> = match plan.topics.time {
        TimeMode::Live => Arc::new(SystemClock::new()),
        TimeMode::Warped => Arc::new(NoClock(SystemClock::new())),
    };
    let service = Service::new(Arc::clone(&plan.log), factory, clock, options)
        .or_fail(Exit::Log, || format!("role {} cannot start", role.name()))?;
    let handle = service.handle();
    let unless_well = failed.clone().drop_guard();
    let thread = std::thread::Builder::new()
        .name(role.name().to_owned())
        .spawn(move || {
            let ended = service.run();
            match &ended {
                Ok(()) => drop(unless_well.disarm()),
                Err(error) => tracing::error!(role = role.name(), error = %chain(error), "role ended"),
            }
            ended
        })
        .or_fail(Exit::Internal, || format!("cannot start a thread for role {}", role.name()))?;
    Ok(Running { role, handle, thread })
}

impl Running {
    /// Whether it is ready, for whoever asks.
    pub(crate) fn readiness(&self) -> Readiness {
        Readiness::of(self.role.name(), self.handle.clone())
    }

    /// Asks for a graceful stop.
    pub(crate) fn stop(&self) {
        self.handle.stop();
    }

    /// Waits until it has stopped.
    ///
    /// # Errors
    /// When it ended with an error.
    pub(crate) fn join(self) -> Result<(), Failure> {
        let role = self.role.name();
        match self.thread.join() {
            Ok(ended) => ended.or_fail(Exit::Log, || format!("role {role} ended with an error")),
            Err(_) => Err(Failure::new(Exit::Internal, format!("the thread of role {role} panicked"))),
        }
    }
}

fn parts(plan: &Plan, role: Role) -> (Options, Arc<dyn FoldFactory>) {
    let topics = &plan.topics;
    let app = topics.prefix.clone();
    let dead_letters =
        DeadLetterTopic { topic: topics.name(Topic::Dlq), partitions: topics.partitions(Topic::Dlq) };
    let snapshots = || Restore::Snapshots(Arc::clone(&plan.objects));
    let (mut options, factory): (Options, Arc<dyn FoldFactory>) = match role {
        Role::Route => {
            let mut options = Options::new(app, role.name(), "", 1, dead_letters, snapshots());
            options.inputs = Topic::SOURCES.iter().map(|topic| topics.name(*topic)).collect();
            options.assignor = Assignor::Range;
            options.order = InputOrder::Merge;
            (options, Arc::new(RouteFactory { topics: topics.clone() }))
        }
        Role::Process => {
            let input = topics.name(Topic::Facts);
            let options = Options::new(app, role.name(), input, topics.facts, dead_letters, snapshots());
            let factory = ProcessFactory {
                topics: topics.clone(),
                keys: plan.keys.clone(),
                thresholds: plan.thresholds.clone(),
            };
            (options, Arc::new(factory))
        }
        Role::Escalate => {
            let changelog = Restore::Changelog { topic: topics.name(Topic::EscalationDelay) };
            let mut options = Options::new(app, role.name(), "", topics.functions, dead_letters, changelog);
            options.inputs = vec![topics.name(Topic::Trigger), topics.name(Topic::Command)];
            options.assignor = Assignor::Range;
            options.order = InputOrder::Merge;
            options.clock_rule = ClockRule::WhenCaughtUp;
            options.broadcast = vec![topics.name(Topic::Reference)];
            let factory = EscalateFactory {
                topics: topics.clone(),
                keys: plan.keys.clone(),
                thresholds: plan.thresholds.clone(),
            };
            (options, Arc::new(factory))
        }
    };
    options.epoch.clone_from(&plan.restore.epoch);
    options.lost_positions = plan.restore.lost_positions.into();
    options.transactional_id = format!("{}-{}-{}", topics.prefix, role.name(), plan.ordinal);
    (options, factory)
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    failure::causes(error).join(": ")
}

#[cfg(test)]
mod tests;
