//! Why a service ended. What concerns one unit only halts that unit and is in its status, not here.

use bellwether_log::ErrorClass;

use crate::failpoint::Failpoint;

/// Why a service ended other than by a graceful stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The options contradict each other.
    #[error("options of role {role} do not fit together: {what}")]
    Options {
        /// Role.
        role: String,
        /// What contradicts what.
        what: String,
    },
    /// A topic is missing.
    #[error("topic {topic} does not exist; create it with `bellwether topics` before the role is started")]
    NoTopic {
        /// Its name.
        topic: String,
    },
    /// A topic has another number of partitions than configured.
    #[error(
        "topic {topic} has {found} partitions and the configuration says {expected}; the number is fixed at \
         creation: correct the configuration, or fill a new topic set"
    )]
    TopicPartitions {
        /// Topic.
        topic: String,
        /// Partitions it has.
        found: u32,
        /// Partitions it should have.
        expected: u32,
    },
    /// A snapshot was written with another number of partitions.
    #[error(
        "snapshot {name} was written with {found} partitions and the configuration says {expected}; its state \
         belongs to another topic set: correct the configuration, or give the new topic set its own epoch"
    )]
    SnapshotPartitions {
        /// Snapshot.
        name: String,
        /// Partitions it was written with.
        found: u32,
        /// Partitions there should be.
        expected: u32,
    },
    /// The log refused, and a retry does not mend it or was tried often enough.
    #[error("{doing} failed {attempts} time(s), the last one as {class:?}")]
    Log {
        /// What was attempted, on what.
        doing: String,
        /// How often.
        attempts: u32,
        /// Class of the last failure.
        class: ErrorClass,
        /// Its cause.
        #[source]
        source: bellwether_log::Error,
    },
    /// Commits fail one after the other, though each failure could be mended.
    #[error(
        "{rounds} commits in a row did not happen and each time the state was restored; look at the broker's \
         transaction coordinator and for a second process with transactional id {transactional_id}"
    )]
    NoProgress {
        /// How many.
        rounds: u32,
        /// Ours.
        transactional_id: String,
    },
    /// A fenced member keeps its partitions and gets no new assignment.
    #[error("fenced off {partitions} partition(s) and given no assignment for {seconds} s")]
    FencedForGood {
        /// Partitions still held.
        partitions: usize,
        /// For how long.
        seconds: u64,
    },
    /// A failpoint crashed the service.
    #[error("crashed at failpoint {at:?}")]
    Crashed {
        /// Where.
        at: Failpoint,
    },
    /// The snapshot store does not answer.
    #[error("{doing} failed {attempts} time(s), and a unit cannot be restored without it")]
    SnapshotStore {
        /// What was attempted, on what.
        doing: String,
        /// How often.
        attempts: u32,
        /// Its cause.
        #[source]
        source: crate::snapshot::ObjectsError,
    },
    /// The snapshot thread could not be started.
    #[error("the snapshot thread could not be started")]
    SnapshotThread(#[source] std::io::Error),
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
