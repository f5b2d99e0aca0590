//! A change of a ticket as far as it is folded: two facts of three are one, and most of its text is for people.
//!
//! Invariant: every field that `sprint`, `dependency` and the engine itself read of [`pb::TicketChanged`] is read here; the
//! test below names those that are not.

use bellwether_wire::fields::{Fields, NotPlain, Value};
use bellwether_wire::pb;
use prost::Message as _;

use super::Extent;

/// CloudEvents type.
pub(super) const TYPE: &str = "bellwether.ticket.changed.v1";

/// What is folded of an event, if it is a change of a ticket and only that is asked for; `None` also for bytes that are to
/// be left to the generated decoder.
pub(super) fn read(type_name: &str, data: &[u8], extent: Extent) -> Option<pb::TicketChanged> {
    match extent {
        Extent::Folded if type_name == TYPE => folded(data).ok(),
        Extent::Folded | Extent::Whole => None,
    }
}

fn folded(data: &[u8]) -> Result<pb::TicketChanged, NotPlain> {
    let mut ticket = pb::TicketChanged::default();
    let mut board = "";
    for field in Fields::of(data) {
        match field? {
            (1, value) => ticket.ticket = text(value)?,
            (2, value) => ticket.key = text(value)?,
            (4, value) => ticket.kind = variant(value)?,
            (6, value) => ticket.sub_task = value.number()? != 0,
            (7, value) => ticket.squad = text(value)?,
            (8, value) => board = value.text()?,
            (9, value) => ticket.sprint = text(value)?,
            (10, value) => ticket.points = Some(value.double()?),
            (11, value) => ticket.size = text(value)?,
            (13, value) => ticket.category = variant(value)?,
            (16, value) => ticket.interrupt = value.number()? != 0,
            (18, value) => ticket.release = text(value)?,
            (19, value) => {
                ticket.blocked_by.push(pb::BlockedBy::decode(value.bytes()?).map_err(|_| NotPlain)?);
            }
            (20, value) => ticket.version = text(value)?,
            (21, value) => ticket.basis = variant(value)?,
            _ => {}
        }
    }
    // A board is asked for its squad where the ticket names none.
    if ticket.squad.is_empty() {
        board.clone_into(&mut ticket.board);
    }
    Ok(ticket)
}

fn text(value: Value<'_>) -> Result<String, NotPlain> {
    value.text().map(str::to_owned)
}

fn variant(value: Value<'_>) -> Result<i32, NotPlain> {
    i32::try_from(value.number()?).map_err(|_| NotPlain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tickets() -> impl Strategy<Value = pb::TicketChanged> {
        let texts = prop::collection::vec("[a-z\u{e9}]{0,5}", 14);
        let numbers = prop::collection::vec(-1..5_i32, 3);
        (texts, numbers, any::<(bool, bool, bool)>(), prop::option::of(any::<f64>())).prop_map(
            |(texts, numbers, (sub_task, interrupt, names), points)| {
                let mut texts = texts.into_iter();
                let mut text = || texts.next().unwrap_or_default();
                let identity = pb::Identity { source: text(), external_id: text() };
                pb::TicketChanged {
                    ticket: text(),
                    key: text(),
                    actor: names
                        .then(|| pb::Actor { identity: Some(identity.clone()), ..Default::default() }),
                    kind: numbers[0],
                    parent: "p".into(),
                    sub_task,
                    squad: text(),
                    board: text(),
                    sprint: text(),
                    points,
                    size: text(),
                    status: text(),
                    category: numbers[1],
                    assignee: names.then_some(identity),
                    labels: vec![text()],
                    interrupt,
                    interrupt_reason: text(),
                    release: text(),
                    blocked_by: vec![pb::BlockedBy::default(); usize::from(names)],
                    version: text(),
                    basis: numbers[2],
                    priority: text(),
                    type_name: text(),
                }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_folded_is_read_as_the_generated_decoder_reads_it(written in tickets()) {
            let Ok(read) = folded(&written.encode_to_vec()) else {
                let numbers = [written.kind, written.category, written.basis];
                prop_assert!(numbers.iter().any(|number| *number < 0), "only negative numbers are not plain");
                return Ok(());
            };
            let board = if written.squad.is_empty() { written.board.clone() } else { String::new() };
            let expected = pb::TicketChanged {
                actor: None,
                parent: String::new(),
                board,
                status: String::new(),
                assignee: None,
                labels: Vec::new(),
                interrupt_reason: String::new(),
                priority: String::new(),
                type_name: String::new(),
                ..written
            };
            // Compared as they are written: a double that is no number equals nothing.
            prop_assert_eq!(read.encode_to_vec(), expected.encode_to_vec());
        }
    }
}
