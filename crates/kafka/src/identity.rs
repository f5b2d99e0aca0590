//! Who the group takes us for, read from the client: the one thing the fence of a commit rests on.
//!
//! Why: a coordinator skips its check when the metadata names no member and no generation, and librdkafka is in that
//! state before the first join and after some errors. The safe wrapper hides both fields.

#![allow(
    unsafe_code,
    reason = "the accessors exist in C only; three calls on one object that lives in this function"
)]

use std::ffi::CStr;

use rdkafka::bindings;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::context::GroupContext;

/// Generation and member id of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) generation: i32,
    pub(crate) member_id: String,
}

impl Identity {
    /// True when a coordinator would check it.
    pub(crate) fn is_checked(&self) -> bool {
        self.generation >= 0 && !self.member_id.is_empty()
    }
}

/// The client's present identity; `None` when it has none at all.
pub(crate) fn identity(consumer: &BaseConsumer<GroupContext>) -> Option<Identity> {
    let client = consumer.client().native_ptr();
    // SAFETY: the client lives as long as `consumer`; the call copies and hands over ownership of the copy.
    let metadata = unsafe { bindings::rd_kafka_consumer_group_metadata(client) };
    if metadata.is_null() {
        return None;
    }
    // SAFETY: `metadata` is live and not null; the string belongs to it and is copied before it is destroyed; it is
    // destroyed once, here.
    let (generation, member_id) = unsafe {
        let generation = bindings::rd_kafka_consumer_group_metadata_generation_id(metadata);
        let member_id = bindings::rd_kafka_consumer_group_metadata_member_id(metadata);
        let member_id = if member_id.is_null() {
            String::new()
        } else {
            CStr::from_ptr(member_id).to_string_lossy().into_owned()
        };
        bindings::rd_kafka_consumer_group_metadata_destroy(metadata);
        (generation, member_id)
    };
    Some(Identity { generation, member_id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KafkaOptions;
    use crate::config;
    use crate::context::Common;

    #[test]
    fn a_member_that_has_not_joined_is_not_checked_by_any_coordinator() {
        let options = KafkaOptions::new("127.0.0.1:1");
        let context = GroupContext::new(Common::new(&options));
        let consumer: BaseConsumer<GroupContext> =
            config::positions(&options, "group").create_with_context(context).unwrap();
        let identity = identity(&consumer).unwrap();
        assert_eq!(identity, Identity { generation: -1, member_id: String::new() });
        assert!(!identity.is_checked());
    }
}
