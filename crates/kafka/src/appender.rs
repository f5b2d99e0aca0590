//! Appends outside groups: idempotent, acknowledged by all replicas before a call returns.

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

pub(crate) struct KafkaAppender {
    options: KafkaOptions,
    common: Common,
    /// Dropped when it is of no more use, opened anew by the next call.
    sender: Option<Sender>,
}

impl KafkaAppender {
    pub(crate) fn open(options: &KafkaOptions, common: &Common) -> Result<Self> {
        let mut appender = Self { options: options.clone(), common: common.clone(), sender: None };
        appender.sender = Some(appender.connect()?);
        Ok(appender)
    }

    fn connect(&self) -> Result<Sender> {
        config::appending(&self.options)
            .create_with_context(DeliveryContext::new(self.common.clone()))
            .map_err(|error| failure::fatal("open an appender", error))
    }
}

impl Appender for KafkaAppender {
    fn append(&mut self, records: Vec<NewRecord>) -> Result<Vec<Option<i64>>> {
        let sender = match self.sender.take() {
            Some(sender) => sender,
            None => self.connect()?,
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
            self.sender = Some(sender);
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
