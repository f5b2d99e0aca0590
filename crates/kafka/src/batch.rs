//! Takes messages from a consumer's queue many at a time: a third to a half of the cost of one poll per message.
//!
//! What it is: the only place that touches raw messages. What it is not: for members of a group; the batch call
//! answers rebalances by itself and would lose them, so [`crate::reader`] uses it with a hand-made assignment only.
//!
//! Invariants: every message taken is destroyed once, by [`Raw`]'s drop; slices do not outlive their message; the
//! queue is given back before its client.

#![allow(unsafe_code, reason = "the batch call exists in C only; each block states why it holds")]

use std::ffi::CStr;
use std::ptr;

use bytes::Bytes;
use rdkafka::bindings;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::RDKafkaRespErr;

use bellwether_log::Headers;

use crate::context::PlainContext;

/// A consumer and its queue.
pub(crate) struct BatchConsumer {
    queue: *mut bindings::rd_kafka_queue_t,
    room: Vec<*mut bindings::rd_kafka_message_t>,
    /// After the queue, so that it is dropped after it is given back.
    pub(crate) consumer: BaseConsumer<PlainContext>,
}

// SAFETY: librdkafka's queues and messages may be used from any thread; `room` holds no message between calls.
unsafe impl Send for BatchConsumer {}

/// A message, or an event in the shape of one.
pub(crate) struct Raw(*mut bindings::rd_kafka_message_t);

impl BatchConsumer {
    pub(crate) fn new(consumer: BaseConsumer<PlainContext>, batch: usize) -> Self {
        // SAFETY: the client is live; the call returns a counted reference that is given back in `drop`.
        let queue = unsafe { bindings::rd_kafka_queue_get_consumer(consumer.client().native_ptr()) };
        Self { queue, room: vec![ptr::null_mut(); batch.max(1)], consumer }
    }

    /// Takes up to `limit` messages, waiting up to `timeout_ms` until that many are there.
    pub(crate) fn take(&mut self, limit: usize, timeout_ms: i32, mut each: impl FnMut(&Raw)) -> usize {
        if self.queue.is_null() {
            return 0;
        }
        let limit = limit.min(self.room.len());
        // SAFETY: the queue is live until `drop`; `room` has `limit` places to write to.
        let taken = unsafe {
            bindings::rd_kafka_consume_batch_queue(self.queue, timeout_ms, self.room.as_mut_ptr(), limit)
        };
        let taken = usize::try_from(taken).unwrap_or(0).min(limit);
        for place in &mut self.room[..taken] {
            let message = Raw(std::mem::replace(place, ptr::null_mut()));
            each(&message);
        }
        taken
    }
}

impl Drop for BatchConsumer {
    fn drop(&mut self) {
        if !self.queue.is_null() {
            // SAFETY: the reference was taken in `new` and is given back once; the client is still live.
            unsafe { bindings::rd_kafka_queue_destroy(self.queue) };
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // SAFETY: the message came from the batch call, which handed it over, and is destroyed once.
        unsafe { bindings::rd_kafka_message_destroy(self.0) };
    }
}

impl Raw {
    fn message(&self) -> &bindings::rd_kafka_message_t {
        // SAFETY: the pointer is one the batch call wrote, live until `drop`.
        unsafe { &*self.0 }
    }

    /// The event, when this is none of a record.
    pub(crate) fn event(&self) -> Option<RDKafkaErrorCode> {
        let code = self.message().err;
        (code != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| code.into())
    }

    /// True when it is of this partition; an event without one is of every partition.
    pub(crate) fn is_of(&self, topic: &str, partition: i32) -> bool {
        let message = self.message();
        if message.rkt.is_null() {
            return true;
        }
        // SAFETY: the topic is held by the live message; its name is a string that lives as long.
        let name = unsafe { CStr::from_ptr(bindings::rd_kafka_topic_name(message.rkt)) };
        message.partition == partition && name.to_bytes() == topic.as_bytes()
    }

    pub(crate) fn offset(&self) -> i64 {
        self.message().offset
    }

    pub(crate) fn key(&self) -> Option<Bytes> {
        copy(self.message().key.cast(), self.message().key_len)
    }

    pub(crate) fn value(&self) -> Option<Bytes> {
        copy(self.message().payload.cast(), self.message().len)
    }

    pub(crate) fn timestamp_ms(&self) -> i64 {
        // SAFETY: the message is live; the kind of time is not asked for.
        unsafe { bindings::rd_kafka_message_timestamp(self.0, ptr::null_mut()) }
    }

    pub(crate) fn headers(&self) -> Headers {
        let mut native = ptr::null_mut();
        // SAFETY: the message is live; the headers stay its own.
        let found = unsafe { bindings::rd_kafka_message_headers(self.0, &mut native) };
        let mut headers = Headers::new();
        if found != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return headers;
        }
        loop {
            let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
            // SAFETY: `native` belongs to the live message; the three places are written on success only.
            let found = unsafe {
                bindings::rd_kafka_header_get_all(native, headers.len(), &mut name, &mut value, &mut size)
            };
            if found != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR || name.is_null() {
                return headers;
            }
            // SAFETY: on success `name` is a string of the message's, copied here.
            let name = unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned();
            headers.push((name, copy(value.cast(), size)));
        }
    }
}

/// Copies what a message points to; null is absent.
fn copy(data: *const u8, length: usize) -> Option<Bytes> {
    if data.is_null() {
        return None;
    }
    // SAFETY: callers pass a pointer and length of one live message's field.
    Some(Bytes::copy_from_slice(unsafe { std::slice::from_raw_parts(data, length) }))
}
