//! What the escalator has pending, from the state it keeps in the delay topic; one line for each, with what to do.
//!
//! It reads and runs nothing: the escalator that owns a partition goes on beside it.

use std::collections::BTreeMap;

use bellwether_escalation::{Escalator, Hold, Options, Pending};
use bellwether_log::Record;
use bellwether_model::{EventTime, Millis};

use super::Finding;

/// How long after its instant a step may be on its way before somebody should look: some clock beats, a batch, a commit.
const LATE: Millis = Millis::minutes(5);

/// A line for each running escalation; `now` is `None` under warped time, where nothing is late by the machine's clock.
pub(super) fn findings(records: &[Record], now: Option<EventTime>) -> Vec<Finding> {
    let mut by_partition: BTreeMap<u32, Escalator> = BTreeMap::new();
    let mut unreadable = 0_usize;
    for record in records {
        let escalator =
            by_partition.entry(record.from.partition).or_insert_with(|| Escalator::new(Options::default()));
        let key = record.key.as_ref().and_then(|key| std::str::from_utf8(key).ok());
        let value = record.value.as_ref().map(|value| value.to_vec());
        let taken =
            key.is_some_and(|key| escalator.restore(std::iter::once((key.to_owned(), value))).is_ok());
        unreadable += usize::from(!taken);
    }
    let latest = records.iter().map(|record| EventTime::from_ms(record.timestamp_ms)).max();
    let at = now.or(latest).unwrap_or(EventTime::MIN);
    let pending = by_partition.values().flat_map(|escalator| escalator.pending(at));
    let mut findings: Vec<Finding> = pending.map(|pending| finding(&pending, now)).collect();
    if unreadable > 0 {
        findings.push(Finding {
            area: "escalation",
            what: format!("{unreadable} records of the escalator's state are of no version this one knows"),
            todo: "run the version that wrote them; do not start an older escalator on this topic".to_owned(),
            is_notice: false,
        });
    }
    findings
}

fn finding(pending: &Pending, now: Option<EventTime>) -> Finding {
    let about = [&pending.key_result, &pending.squad];
    let about: Vec<&str> = about.into_iter().map(String::as_str).filter(|it| !it.is_empty()).collect();
    let about = if about.is_empty() { String::new() } else { format!(" of {}", about.join(", ")) };
    let next = pending.next_at.map(|at| format!("; next looked at {at}")).unwrap_or_default();
    let is_late = pending.next_at.zip(now).is_some_and(|(at, now)| now.since(at) > LATE);
    let id = &pending.escalation;
    let (todo, is_notice) = match pending.held {
        Hold::Pause => (
            "see that `bellwether process` and `bellwether escalate` run: one was away and is not back"
                .into(),
            false,
        ),
        Hold::Nothing | Hold::Guard | Hold::Acknowledgement { .. } | Hold::Snooze { .. } if is_late => {
            ("see that `bellwether escalate` runs: its instant has passed".into(), false)
        }
        Hold::Snooze { until } => {
            (format!("nothing until {until}; publish escalation.unsnoozed for {id} to go on"), true)
        }
        Hold::Guard => (
            format!(
                "nothing: what its level asks for is looked at again daily and when it changes; \
                 escalation.resolved with evidence ends {id}"
            ),
            true,
        ),
        Hold::Acknowledgement { until } => (
            format!(
                "whoever acknowledged it: publish escalation.resolved for {id} with evidence; repeats go on after {until}"
            ),
            true,
        ),
        Hold::Nothing => (format!("publish escalation.acknowledged, .snoozed or .resolved for {id}"), true),
    };
    Finding {
        area: "escalation",
        what: format!("{id} ({}{about}): {}{next}", pending.rule, pending.stands),
        todo,
        is_notice,
    }
}

#[cfg(test)]
mod tests {
    use bellwether_escalation::Output;
    use bellwether_log::TopicPartition;
    use bellwether_wire::{Event, pb};
    use bytes::Bytes;

    use super::*;

    fn at(hours: i64) -> EventTime {
        EventTime::parse("2026-03-02T09:00:00Z").expect("an instant").plus(Millis::hours(hours))
    }

    /// The state of an escalator with one escalation, as its topic holds it.
    fn state(then: impl FnOnce(&mut Escalator, &mut Output)) -> Vec<Record> {
        let mut escalator = Escalator::new(Options::default());
        let mut out = Output::default();
        let fired = pb::TriggerFired {
            trigger: "t1".into(),
            rule: "missed-check-in".into(),
            key_result: "kr-1".into(),
            escalation: "e1".into(),
            ..Default::default()
        };
        escalator.apply(&Event::new("bellwether://process", "t1/fired", at(0), fired), at(0), &mut out);
        escalator.advance(at(0), &mut out);
        then(&mut escalator, &mut out);
        let record = |(offset, (key, value)): (usize, (String, Option<Vec<u8>>))| Record {
            from: TopicPartition::new("t.escalation.delay.v1", 3),
            offset: i64::try_from(offset).expect("few"),
            key: Some(Bytes::from(key)),
            value: value.map(Bytes::from),
            headers: Vec::new(),
            timestamp_ms: at(0).ms(),
        };
        escalator.changelog().into_iter().enumerate().map(record).collect()
    }

    fn snoozed() -> Event {
        let message = pb::EscalationSnoozed {
            escalation: "e1".into(),
            reason: "release".into(),
            until: Some(bellwether_wire::instant::timestamp(at(30))),
            ..Default::default()
        };
        Event::new("form://desk", "c1", at(1), message)
    }

    #[test]
    fn each_running_escalation_is_told_with_its_levels_its_next_instant_and_what_to_do() {
        let records = state(|escalator, out| {
            escalator.apply(&snoozed(), at(1), out);
            escalator.advance(at(1), out);
        });
        let found = findings(&records, Some(at(2)));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].what.starts_with("e1 (missed-check-in of kr-1): running, snoozed until"),
            "{}",
            found[0].what
        );
        assert!(found[0].todo.contains("escalation.unsnoozed for e1"), "{}", found[0].todo);
        assert!(found[0].is_notice);
    }

    #[test]
    fn a_step_whose_instant_has_passed_points_at_the_escalator_and_a_pause_at_who_was_away() {
        // The command made it due to be looked at, and nobody did.
        let records = state(|escalator, out| escalator.apply(&snoozed(), at(1), out));
        let late = findings(&records, Some(at(2)));
        assert!(
            late[0].todo.contains("see that `bellwether escalate` runs") && !late[0].is_notice,
            "{late:?}"
        );
        assert!(
            findings(&records, None)[0].is_notice,
            "under warped time nothing is late by the machine's clock"
        );
        let paused = findings(&state(|escalator, _| escalator.paused(at(1))), Some(at(2)));
        assert!(paused[0].todo.contains("is not back") && !paused[0].is_notice, "{paused:?}");
    }

    #[test]
    fn state_that_cannot_be_read_is_said_and_the_rest_is_told() {
        let mut records = state(|_, _| {});
        let mut foreign = records[0].clone();
        foreign.value = Some(Bytes::from_static(b"nothing of ours"));
        foreign.key = Some(Bytes::from_static(b"no/such/kind"));
        records.push(foreign);
        let found = findings(&records, Some(at(2)));
        assert!(
            found.iter().any(|finding| finding.what.contains("1 records of the escalator's state")),
            "{found:?}"
        );
        assert!(found.iter().any(|finding| finding.what.starts_with("e1 ")), "{found:?}");
    }
}
