//! Deliveries for tests of channels.

use bellwether_model::EventTime;
use bellwether_wire::{EventId, pb};

use super::DeliveryId;
use crate::channel::{ChannelKind, Delivery, Envelope};
use crate::message::Message;

/// A delivery with a title and little else.
pub(crate) fn delivery(title: &str) -> Delivery {
    let at = EventTime::from_ms(1_772_500_000_000);
    Delivery {
        id: DeliveryId { step: "esc/L1".into(), channel: ChannelKind::Webhook, target: "ops".into() },
        attempt: 1,
        at,
        message: Message { title: title.into(), summary: "A summary.".into(), ..Message::default() },
        step: pb::StepFired {
            step: "esc/L1".into(),
            escalation: "esc".into(),
            trigger: "trg".into(),
            level: 1,
            ..Default::default()
        },
        envelope: Envelope {
            id: EventId { source: "bellwether://escalate".into(), id: "esc/L1".into() },
            time: at,
            traceparent: None,
        },
        address: None,
    }
}
