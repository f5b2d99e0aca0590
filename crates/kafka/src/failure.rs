//! From the client's errors to what a caller of the port is to do.
//!
//! Invariant: decided by code, never by text.

use rdkafka::error::{KafkaError, RDKafkaError, RDKafkaErrorCode as Code};

use bellwether_log::{Error, ErrorClass};

/// An error of a call that is neither a transaction's nor decided by the caller.
pub(crate) fn failure(what: impl Into<String>, error: KafkaError) -> Error {
    let class = error.rdkafka_error_code().map_or(ErrorClass::Fatal, class_of);
    Error::with_source(class, what, error)
}

pub(crate) fn fatal(what: impl Into<String>, error: KafkaError) -> Error {
    Error::with_source(ErrorClass::Fatal, what, error)
}

/// What a code asks for, outside transactions.
pub(crate) fn class_of(code: Code) -> ErrorClass {
    if is_passing(code) { ErrorClass::Transient } else { ErrorClass::Fatal }
}

/// Conditions that pass on their own: elections, restarts, lost connections, time-outs.
pub(crate) fn is_passing(code: Code) -> bool {
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::TimedOutQueue
            | Code::MessageTimedOut
            | Code::WaitingForCoordinator
            | Code::InProgress
            | Code::Outdated
            | Code::UnknownBroker
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::RequestTimedOut
            | Code::BrokerNotAvailable
            | Code::ReplicaNotAvailable
            | Code::NetworkException
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::NotController
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::RebalanceInProgress
            | Code::KafkaStorageError
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::PreferredLeaderNotAvailable
            | Code::EligibleLeadersNotAvailable
            | Code::ConcurrentTransactions
            | Code::UnstableOffsetCommit
            | Code::ThrottlingQuotaExceeded
            | Code::RebootstrapRequired
    )
}

/// Refusals of a record that the same record would meet again.
pub(crate) fn is_hopeless_record(code: Code) -> bool {
    matches!(
        code,
        Code::MessageSizeTooLarge
            | Code::MessageBatchTooLarge
            | Code::InvalidMessageSize
            | Code::InvalidRecord
            | Code::InvalidTimestamp
            | Code::InvalidArgument
            | Code::InvalidTopic
            | Code::UnknownTopic
            | Code::UnknownPartition
            | Code::TopicAuthorizationFailed
            | Code::PolicyViolation
            | Code::UnsupportedCompressionType
    )
}

/// What a failed call of a transaction asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Make the same call again.
    Retry,
    /// Abort the transaction.
    Abort,
    /// A newer producer has the id.
    Fenced,
    /// The producer is of no more use; what it was doing is unknown.
    Rebuild,
}

/// Judges a failed transactional call as librdkafka's manual has it: abortable, retriable, else of no more use.
pub(crate) fn verdict(error: &KafkaError) -> Verdict {
    let KafkaError::Transaction(error) = error else { return Verdict::Rebuild };
    judge(error.code(), error)
}

fn judge(code: Code, error: &RDKafkaError) -> Verdict {
    if matches!(code, Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch) {
        Verdict::Fenced
    } else if error.is_fatal() {
        Verdict::Rebuild
    } else if error.txn_requires_abort() {
        Verdict::Abort
    } else if error.is_retriable() {
        Verdict::Retry
    } else {
        Verdict::Rebuild
    }
}
