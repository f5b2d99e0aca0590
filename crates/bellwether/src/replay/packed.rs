//! Events of a replay, packed: a file of a million events takes in memory what it says, not what a million messages take.
//!
//! An event is unpacked when its turn comes, and the memory of a block goes with the last of its events. The payload is
//! protobuf: the router wants that form anyway, to tell a repeat from a conflict (R6).

use std::borrow::Cow;
use std::cmp::Ordering;

use bellwether_model::EventTime;
use bellwether_wire::envelope::{Event, EventId};
use bellwether_wire::{Payload, json};
use bytes::Bytes;

use super::order::{self, Change};

/// In place of a length: there is no such part.
const NONE: u32 = u32::MAX;
/// Source, id, type, subject, trace context, payload.
const PARTS: usize = 6;
const HEAD: usize = PARTS * size_of::<u32>();

/// Events one after the other, each the lengths of its parts and the parts.
#[derive(Debug, Default)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    /// When each is of, and where it begins.
    starts: Vec<(EventTime, usize)>,
}

impl Block {
    /// Adds an event.
    pub(crate) fn push(&mut self, event: &Event) {
        self.starts.push((event.time, self.bytes.len()));
        let data = event.payload.encode();
        let parts: [Option<&[u8]>; PARTS] = [
            Some(event.id.source.as_bytes()),
            Some(event.id.id.as_bytes()),
            Some(event.type_name().as_bytes()),
            event.subject.as_deref().map(str::as_bytes),
            event.traceparent.as_deref().map(str::as_bytes),
            data.as_deref(),
        ];
        for part in parts {
            let length =
                part.map_or(NONE, |part| u32::try_from(part.len()).expect("a line is far below 4 GB"));
            self.bytes.extend_from_slice(&length.to_le_bytes());
        }
        parts.into_iter().flatten().for_each(|part| self.bytes.extend_from_slice(part));
    }
}

/// Where an event is.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: EventTime,
    block: usize,
    start: usize,
}

/// All events of a replay.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    blocks: Vec<Bytes>,
    places: Vec<Place>,
}

impl Packed {
    /// Adds a block behind those that are there.
    pub(crate) fn add(&mut self, block: Block) {
        let number = self.blocks.len();
        let place = |(at, start)| Place { at, block: number, start };
        self.places.extend(block.starts.into_iter().map(place));
        self.blocks.push(Bytes::from(block.bytes.into_boxed_slice()));
    }

    /// Puts the events into the order of [`order::sort`].
    pub(crate) fn sort(&mut self) {
        let blocks = &self.blocks;
        let id = |place: &Place| {
            let [source, id, ..] = parts(blocks, place);
            (source, id)
        };
        self.places.sort_by(|a, b| {
            a.at.cmp(&b.at).then_with(|| id(a).cmp(&id(b))).then_with(|| compare_content(blocks, a, b))
        });
        let mut start = 0;
        while start < self.places.len() {
            let first = self.places[start];
            let is_together = |place: &Place| place.at == first.at && id(place).0 == id(&first).0;
            let end = start + self.places[start..].iter().take_while(|place| is_together(place)).count();
            if end - start > 1 {
                let changes = self.places[start..end].iter().enumerate().filter_map(|(n, place)| {
                    let is_change = parts(blocks, place)[2] == Some(TICKET_CHANGED.as_bytes());
                    is_change.then(|| Change::of(n, &unpack(blocks, place).0)).flatten()
                });
                order::move_changes(changes.collect(), &mut self.places[start..end]);
            }
            start = end;
        }
    }

    /// When the last event is of.
    pub(crate) fn last(&self) -> Option<EventTime> {
        self.places.last().map(|place| place.at)
    }

    /// The events up to and including an instant, each with the protobuf form of its payload.
    pub(crate) fn into_events(
        mut self,
        until: EventTime,
    ) -> impl Iterator<Item = (Event, Option<Bytes>)> + Send {
        self.places.truncate(self.places.partition_point(|place| place.at <= until));
        let mut left = vec![0_usize; self.blocks.len()];
        self.places.iter().for_each(|place| left[place.block] += 1);
        self.places.into_iter().map(move |place| {
            let unpacked = unpack(&self.blocks, &place);
            left[place.block] -= 1;
            if left[place.block] == 0 {
                self.blocks[place.block] = Bytes::new();
            }
            unpacked
        })
    }
}

const TICKET_CHANGED: &str = "bellwether.ticket.changed.v1";

/// Two events of one identity and time: the same, or the smaller text first (R6).
fn compare_content(blocks: &[Bytes], a: &Place, b: &Place) -> Ordering {
    if parts(blocks, a) == parts(blocks, b) {
        return Ordering::Equal;
    }
    json::write(&unpack(blocks, a).0).cmp(&json::write(&unpack(blocks, b).0))
}

/// The parts of an event.
fn parts<'a>(blocks: &'a [Bytes], place: &Place) -> [Option<&'a [u8]>; PARTS] {
    let (head, mut rest) = blocks[place.block][place.start..].split_at(HEAD);
    let mut parts = [None; PARTS];
    for (part, length) in parts.iter_mut().zip(head.chunks_exact(size_of::<u32>())) {
        let length = length.try_into().map_or(NONE, u32::from_le_bytes);
        if length != NONE {
            let (bytes, behind) = rest.split_at(length as usize);
            (*part, rest) = (Some(bytes), behind);
        }
    }
    parts
}

fn unpack(blocks: &[Bytes], place: &Place) -> (Event, Option<Bytes>) {
    let [source, id, type_name, subject, traceparent, data] = parts(blocks, place);
    let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
    let type_name = type_name.map_or(Cow::Borrowed(""), String::from_utf8_lossy);
    let data = data.map(|data| blocks[place.block].slice_ref(data));
    let payload = match &data {
        Some(data) => {
            Payload::decode(&type_name, data).expect("it was a message of its type when it was packed")
        }
        None => Payload::Tombstone { type_name: type_name.into_owned() },
    };
    let event = Event {
        id: EventId { source: source.map(text).unwrap_or_default(), id: id.map(text).unwrap_or_default() },
        time: place.at,
        subject: subject.map(text),
        traceparent: traceparent.map(text),
        payload,
    };
    (event, data)
}

#[cfg(test)]
mod tests {
    use bellwether_wire::pb;

    use super::*;

    fn packed(events: &[Event]) -> Packed {
        let mut packed = Packed::default();
        for events in events.chunks(2) {
            let mut block = Block::default();
            events.iter().for_each(|event| block.push(event));
            packed.add(block);
        }
        packed
    }

    /// Changes of few tickets, tombstones and unknown types, many of one instant, source and id.
    fn some_events() -> Vec<Event> {
        let mut seed = 7_u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let one = |_| {
            let payload = match next(8) {
                0 => Payload::Tombstone { type_name: "bellwether.squad.recorded.v1".to_owned() },
                1 => {
                    Payload::Unknown { type_name: "later".to_owned(), data: vec![7; next(3) as usize].into() }
                }
                2 => pb::IncidentChanged { incident: next(3).to_string(), ..Default::default() }.into(),
                _ => pb::TicketChanged {
                    ticket: next(3).to_string(),
                    version: next(12).to_string(),
                    points: Some(next(3) as f64),
                    ..Default::default()
                }
                .into(),
            };
            let (source, id) = (["jira://a", "jira://b"][next(2) as usize], next(9).to_string());
            let mut event = Event::new(source, id, EventTime::from_ms(next(4) as i64 - 2), payload);
            event.subject = (next(2) == 0).then(|| "thing".to_owned());
            event
        };
        (0..400).map(one).collect()
    }

    #[test]
    fn packed_events_come_out_as_they_went_in_in_the_order_of_a_replay() {
        let mut events = some_events();
        let mut packed = packed(&events);
        packed.sort();
        order::sort(&mut events);
        assert_eq!(packed.last(), events.last().map(|event| event.time));
        let out: Vec<Event> = packed.into_events(EventTime::MAX).map(|(event, _)| event).collect();
        assert_eq!(out, events);
    }

    #[test]
    fn each_comes_with_its_protobuf_form_and_none_after_the_end() {
        let mut packed = packed(&some_events());
        packed.sort();
        let end = EventTime::from_ms(0);
        let out: Vec<_> = packed.into_events(end).collect();
        assert!(out.len() < 400 && out.iter().all(|(event, _)| event.time <= end));
        for (event, content) in out {
            assert_eq!(event.payload.encode(), content);
        }
    }
}
