//! The conformance suite of the port: what every implementation does, as a table of cases.
//!
//! What it is: plain functions over a [`Harness`]; run them against the simulator, the embedded broker and Apache
//! Kafka alike. What it is not: a test framework; a case returns what went wrong, and the caller's test shows it.
//!
//! Invariants: a case makes its own topics, groups and ids, so that cases may share a log; it waits by polling, a
//! bounded number of times, and never by sleeping.

mod fencing;
mod groups;
mod indefinite;
mod reading;
mod tools;
mod topics;
mod transactions;

use std::sync::Arc;

pub use tools::Failure;

use crate::EventLog;
use crate::sim::Sim;

/// What a case runs against.
pub trait Harness {
    /// The log, as one client process sees it.
    fn log(&self) -> Arc<dyn EventLog>;

    /// A name nobody used before, for topics, groups and ids.
    fn unique(&self, name: &str) -> String;

    /// The simulator behind the log, for cases that need faults.
    fn sim(&self) -> Option<Sim> {
        None
    }
}

/// One behaviour.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// What holds, as a sentence.
    pub name: &'static str,
    /// True when it takes a fault that only the simulator can make.
    pub simulated: bool,
    /// Checks it.
    pub run: fn(&dyn Harness) -> Result<(), Failure>,
}

macro_rules! table {
    ($($simulated:literal $module:ident :: $case:ident),* $(,)?) => {
        vec![$(Case { name: stringify!($case), simulated: $simulated, run: $module::$case }),*]
    };
}

/// All cases, in the order in which a failure is easiest to understand.
pub fn cases() -> Vec<Case> {
    table![
        false topics::created_topics_are_described,
        false topics::creating_again_changes_nothing,
        false reading::appended_records_are_read_to_the_stable_end,
        false reading::appenders_at_once_are_told_their_own_offsets,
        false reading::a_reader_at_the_end_sees_what_comes_later,
        false reading::control_markers_are_passed,
        false reading::headers_tombstones_and_times_come_back,
        false reading::a_record_of_900_kb_passes,
        false reading::append_time_is_stamped_by_the_log,
        false reading::an_offset_outside_the_log_is_an_error,
        false groups::a_member_delivers_nothing_before_start,
        false groups::a_member_starts_at_the_given_offset,
        false groups::pause_stops_and_start_rewinds,
        false groups::batches_keep_to_their_bound,
        false groups::a_group_without_position_may_not_start,
        false groups::positions_come_with_the_assignment,
        false groups::range_gives_equal_numbers_to_one_member,
        false transactions::outputs_and_positions_commit_together,
        false transactions::positions_alone_commit,
        false transactions::positions_are_required,
        false transactions::a_refused_transaction_leaves_nothing,
        false transactions::transactions_follow_each_other,
        false fencing::a_stale_token_is_refused_after_revocation,
        false fencing::a_stale_token_is_refused_after_reassignment,
        false fencing::a_twin_fences_the_elder,
        false fencing::members_hand_over_without_loss_or_duplicate,
        true indefinite::a_lost_acknowledgement_can_be_read_back,
        true indefinite::a_lost_request_can_be_read_back,
        true indefinite::a_position_is_told_once_it_is_stable,
        true indefinite::an_aborted_commit_can_be_made_again,
        true indefinite::an_evicted_member_cannot_commit,
        true indefinite::a_crash_inside_a_commit_holds_readers_until_the_id_returns,
    ]
}
