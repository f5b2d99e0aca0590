//! Appends outside groups: idempotent, acknowledged by all replicas before a call returns.
//!
//! The appenders of one log share a producer, because each has three threads that wake up every second for as long as it
//! lives. Invariant: it serves one call at a time, so that every report is of the call that waits for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics::counter;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::Producer;

use bellwether_log::{Appender, Error, ErrorClass, NewRecord, Result};

use crate::config;
use crate::context::{Common, DeliveryContext};
use crate::failure;
use crate::metric_definitions::{LABEL_HOW, RECORDS_APPENDED};
use crate::options::KafkaOptions;
use crate::producing::{self, Sender};

/// Beyond the client's own time-out of a record, so that its verdict is heard.
const APPEND_BOUND: Duration = Duration::from_secs(35);

/// The producer of the appenders of one log.
pub(crate) struct Appending {
    options: KafkaOptions,
    common: Common,
    /// Opened for the first appender; dropped when it is of no more use, opened anew by the next call.
    sender: Mutex<Option<Sender>>,
}

impl Appending {
    pub(crate) fn new(options: KafkaOptions, common: Common) -> Self {
        Self { options, common, sender: Mutex::default() }
    }

    fn connect(&self) -> Result<Sender> {
        config::appending(&self.options)
            .create_with_context(DeliveryContext::new(self.common.clone()))
            .map_err(|error| failure::fatal("open an appender", error))
    }
}

pub(crate) struct KafkaAppender(Arc<Appending>);

impl KafkaAppender {
    pub(crate) fn open(appending: Arc<Appending>) -> Result<Self> {
        let mut shared = appending.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.is_none() {
            *shared = Some(appending.connect()?);
        }
        drop(shared);
        Ok(Self(appending))
    }
}

impl Appender for KafkaAppender {
    fn append(&mut self, records: Vec<NewRecord>) -> Result<Vec<Option<i64>>> {
        let mut shared = self.0.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match shared.take() {
            Some(sender) => sender,
            None => self.0.connect()?,
        };
        let deadline = Instant::now() + APPEND_BOUND;
        sender.context().expect(records.len());
        let sent = producing::send(&sender, &records, deadline);
        let drained = producing::drain(&sender, deadline);
        let deliveries = sender.context().take();
        let failed = match sent {
            Ok(()) => deliveries.failed,
            Err((place, error)) => {
                Some((place, error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail)))
            }
        };
        // A fatal error, or records still under way, spoil the producer for the next call.
        if drained && sender.client().fatal_error().is_none() {
            *shared = Some(sender);
        }
        if let Some((place, code)) = failed {
            let to = records.get(place).map(|record| record.to.to_string()).unwrap_or_default();
            // A time-out does not say whether the record arrived.
            let class =
                if failure::is_hopeless_record(code) { ErrorClass::Fatal } else { ErrorClass::Indefinite };
            return Err(Error::with_source(class, format!("append record {place} to {to}"), code));
        }
        if !drained {
            return Err(Error::new(ErrorClass::Indefinite, "append: no acknowledgement in time"));
        }
        counter!(RECORDS_APPENDED, LABEL_HOW => "append")
            .increment(u64::try_from(records.len()).unwrap_or(u64::MAX));
        Ok(deliveries.offsets)
    }
}
