//! Handing records to a producer and waiting until none is under way: shared by transactions and appenders.
//!
//! Why not `flush`: the client waits for delivery reports in slices of 100 ms while the application is the one to
//! take them; polled dry, a report is taken when it is there.

use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use bellwether_log::NewRecord;

use crate::context::DeliveryContext;

pub(crate) type Sender = BaseProducer<DeliveryContext>;

/// Between two looks at a quiet queue: far below a round trip, far above a spin.
const LOOK: Duration = Duration::from_micros(100);

/// Hands over records in order; the error of the first that was not taken, with its place.
pub(crate) fn send(
    sender: &Sender,
    records: &[NewRecord],
    deadline: Instant,
) -> Result<(), (usize, KafkaError)> {
    for (place, record) in records.iter().enumerate() {
        while let Err(error) = try_send(sender, place, record) {
            let full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
            if !full || Instant::now() >= deadline {
                return Err((place, error));
            }
            sender.poll(Duration::ZERO);
            std::thread::sleep(LOOK);
        }
    }
    Ok(())
}

fn try_send(sender: &Sender, place: usize, record: &NewRecord) -> Result<(), KafkaError> {
    let partition = i32::try_from(record.to.partition).unwrap_or(i32::MAX);
    let mut base =
        BaseRecord::<[u8], [u8], usize>::with_opaque_to(&record.to.topic, place).partition(partition);
    if let Some(key) = &record.key {
        base = base.key(key);
    }
    if let Some(value) = &record.value {
        base = base.payload(value);
    }
    if let Some(timestamp_ms) = record.timestamp_ms {
        base = base.timestamp(timestamp_ms);
    }
    if !record.headers.is_empty() {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (key, value) in &record.headers {
            headers = headers.insert(Header { key, value: value.as_deref() });
        }
        base = base.headers(headers);
    }
    sender.send(base).map_err(|(error, _)| error)
}

/// Takes reports until no record is under way. False when the deadline came first.
pub(crate) fn drain(sender: &Sender, deadline: Instant) -> bool {
    loop {
        let before = sender.in_flight_count();
        if before == 0 {
            return true;
        }
        sender.poll(Duration::ZERO);
        if sender.in_flight_count() == before {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(LOOK);
        }
    }
}
