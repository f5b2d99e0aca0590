//! Laws that hold whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_escalation::{Escalator, Options, Output, contract};
use bellwether_model::{EventTime, Millis};
use bellwether_wire::{Event, Payload, instant, pb};
use proptest::prelude::*;

use crate::support::*;

/// One thing that happens, after some time.
#[derive(Debug, Clone)]
struct Step {
    after: Millis,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Fire(usize),
    Amend { trigger: usize, rate: u32, second_window: bool },
    Wane(usize),
    Clear(usize),
    Acknowledge(usize),
    Snooze { trigger: usize, hours: i64 },
    Unsnooze(usize),
    Resolve { trigger: usize, evidence: bool },
    Decide(usize),
    Pause,
    Resume,
    PauseOf(u32),
    ResumeOf(u32),
    Vacate,
    Fill,
    Assign,
}

const TRIGGERS: usize = 6;

/// Trigger `number` in its `life`: what clears and comes back is a new instance.
fn trigger(number: usize, life: usize) -> Trigger {
    let (rule, engineer, squads): (_, _, &[&str]) = match number {
        0 => ("velocity-drop.page-load", "eva", &["payments"]),
        1 => ("velocity-drop.concentration", "eva", &["payments"]),
        2 => ("velocity-drop.forecast", "ines", &["search"]),
        3 => ("dependency-breach", "", &["payments", "infra"]),
        4 => ("missed-check-in", "", &["payments"]),
        _ => ("velocity-drop.pace", "", &["search"]),
    };
    let trigger = Trigger::new(&format!("t{number}-{life}"), rule).squads(squads).rate("5");
    if engineer.is_empty() { trigger } else { trigger.engineer(engineer) }
}

fn escalation(number: usize, life: usize) -> String {
    format!("esc-t{number}-{life}")
}

/// Whole hours since the start.
fn hours(at: EventTime) -> i64 {
    at.since(START).ms() / 3_600_000
}

impl What {
    fn payload(&self, at: EventTime, lives: &[usize; TRIGGERS]) -> Payload {
        let trigger = |number: usize| trigger(number, lives[number]);
        let escalation = |number: usize| escalation(number, lives[number]);
        match self {
            Self::Fire(number) => {
                let mut fired = trigger(*number).0;
                fired.fired_at = Some(instant::timestamp(at));
                fired.into()
            }
            Self::Amend { trigger: number, rate, second_window } => {
                let trigger = trigger(*number);
                trigger
                    .input_of(hours(at), contract::PAGES_PER_WEEK, &rate.to_string())
                    .amended(*second_window)
                    .into()
            }
            Self::Wane(number) => trigger(*number).turned_false(hours(at)).into(),
            Self::Clear(number) => trigger(*number).cleared("met").into(),
            Self::Acknowledge(number) => acknowledge(&escalation(*number)).into(),
            Self::Snooze { trigger: number, hours } => pb::EscalationSnoozed {
                until: Some(instant::timestamp(at.plus(Millis::hours(*hours)))),
                ..snooze(&escalation(*number), 0)
            }
            .into(),
            Self::Unsnooze(number) => unsnooze(&escalation(*number)).into(),
            Self::Resolve { trigger: number, evidence } => {
                let evidence: &[&str] = if *evidence { &["https://example.org/1"] } else { &[] };
                resolve(&escalation(*number), evidence).into()
            }
            Self::Decide(number) => decision(&escalation(*number)).into(),
            Self::Pause => paused("escalate").into(),
            Self::Resume => resumed("escalate").into(),
            Self::PauseOf(partition) => {
                pb::ProcessPaused { partitions: vec![*partition], ..paused("process") }.into()
            }
            Self::ResumeOf(partition) => {
                pb::ProcessResumed { partitions: vec![*partition], ..resumed("process") }.into()
            }
            Self::Vacate => organisation_without(&[pb::Role::VpEngineering, pb::Role::PlatformLead]).into(),
            Self::Fill => organisation().into(),
            Self::Assign => pb::OwnerAssigned {
                key_result: "kr".to_owned(),
                owner: "ines".to_owned(),
                ..Default::default()
            }
            .into(),
        }
    }
}

fn what() -> impl Strategy<Value = What> {
    let number = 0..TRIGGERS;
    prop_oneof![
        6 => number.clone().prop_map(What::Fire),
        4 => (number.clone(), 4_u32..8, any::<bool>())
            .prop_map(|(trigger, rate, second_window)| What::Amend { trigger, rate, second_window }),
        2 => number.clone().prop_map(What::Wane),
        1 => number.clone().prop_map(What::Clear),
        2 => number.clone().prop_map(What::Acknowledge),
        2 => (number.clone(), 1_i64..200).prop_map(|(trigger, hours)| What::Snooze { trigger, hours }),
        1 => number.clone().prop_map(What::Unsnooze),
        1 => (number.clone(), any::<bool>())
            .prop_map(|(trigger, evidence)| What::Resolve { trigger, evidence }),
        1 => number.prop_map(What::Decide),
        1 => Just(What::Pause),
        2 => Just(What::Resume),
        1 => (0_u32..2).prop_map(What::PauseOf),
        2 => (0_u32..2).prop_map(What::ResumeOf),
        1 => Just(What::Vacate),
        1 => Just(What::Fill),
        1 => Just(What::Assign),
    ]
}

/// Up to two dozen things, hours apart and often at the same instant or exactly where something is due.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let after = prop_oneof![
        3 => Just(Millis::ZERO),
        3 => prop::sample::select(vec![1_i64, 24, 48, 72, 96]).prop_map(Millis::hours),
        3 => (1_i64..9_000).prop_map(Millis::minutes),
        1 => prop::sample::select(vec![WEEK_8, 500]).prop_map(Millis::hours),
    ];
    prop::collection::vec((after, what()).prop_map(|(after, what)| Step { after, what }), 1..24)
}

fn events(steps: &[Step]) -> Vec<Event> {
    let mut at = hour(0);
    let mut lives = [0; TRIGGERS];
    let mut fired = BTreeSet::new();
    let mut events = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        at = at.plus(step.after);
        match step.what {
            What::Fire(trigger) => {
                fired.insert((trigger, lives[trigger]));
            }
            // Nothing is amended before it fired.
            What::Amend { trigger, .. } | What::Wane(trigger)
                if !fired.contains(&(trigger, lives[trigger])) =>
            {
                continue;
            }
            _ => {}
        }
        events.push(Event::new("test://laws", format!("e{number}"), at, step.what.payload(at, &lives)));
        if let What::Clear(cleared) = step.what {
            lives[cleared] += 1;
        }
    }
    events
}

/// Long enough for everything that is pending to come.
fn horizon(events: &[Event]) -> EventTime {
    events.last().map_or(hour(0), |event| event.time).plus(Millis::days(120))
}

fn fresh() -> Escalator {
    World::new().escalator
}

fn run(events: &[Event]) -> Vec<Event> {
    let mut escalator = fresh();
    let mut out = Output::default();
    for event in events {
        escalator.apply(event, event.time, &mut out);
    }
    escalator.advance(horizon(events), &mut out);
    out.events
}

fn fired(events: &[Event]) -> impl Iterator<Item = (&Event, &pb::StepFired)> {
    events.iter().filter_map(|event| match &event.payload {
        Payload::StepFired(fired) => Some((event, fired.as_ref())),
        _ => None,
    })
}

proptest! {
    #[test]
    fn levels_go_up_and_never_beyond_the_fifth(steps in steps()) {
        let said = run(&events(&steps));
        let mut reached: BTreeMap<&str, u32> = BTreeMap::new();
        for (_, step) in fired(&said).filter(|(_, step)| step.repeat == 0) {
            prop_assert!((1..=5).contains(&step.level));
            let level = reached.entry(&step.escalation).or_default();
            prop_assert!(step.level >= *level, "{} after L{level}", step.step);
            *level = step.level;
        }
    }

    #[test]
    fn a_step_fires_at_most_once_and_every_event_has_an_id_of_its_own(steps in steps()) {
        let said = run(&events(&steps));
        let mut sent = BTreeSet::new();
        for (_, step) in fired(&said) {
            prop_assert!(sent.insert(step.step.clone()), "{} twice", step.step);
        }
        let ids: BTreeSet<&str> = said.iter().map(|event| event.id.id.as_str()).collect();
        prop_assert_eq!(ids.len(), said.len());
    }

    #[test]
    fn nothing_is_sent_early_or_out_of_order(steps in steps()) {
        let said = run(&events(&steps));
        prop_assert!(said.windows(2).all(|pair| pair[0].time <= pair[1].time));
        for (event, step) in fired(&said) {
            prop_assert!(instant::optional(step.due.as_ref()).is_some_and(|due| due <= event.time));
            prop_assert!(step.fired_late_by_seconds >= 0.0);
        }
    }

    #[test]
    fn an_acknowledged_or_snoozed_escalation_repeats_nothing(steps in steps()) {
        let said = run(&events(&steps));
        let mut acknowledged: BTreeMap<&str, EventTime> = BTreeMap::new();
        let mut snoozed: BTreeMap<&str, EventTime> = BTreeMap::new();
        for event in &said {
            match &event.payload {
                Payload::EscalationAcknowledged(m) => {
                    acknowledged.insert(&m.escalation, instant::optional(m.until.as_ref()).unwrap());
                }
                Payload::EscalationSnoozed(m) => {
                    snoozed.insert(&m.escalation, instant::optional(m.until.as_ref()).unwrap());
                }
                Payload::EscalationUnsnoozed(m) => {
                    snoozed.remove(m.escalation.as_str());
                }
                Payload::StepFired(m) => {
                    let covers = |until: Option<&EventTime>| until.is_some_and(|until| event.time < *until);
                    prop_assert!(!covers(snoozed.get(m.escalation.as_str())), "{} while snoozed", m.step);
                    prop_assert!(
                        m.repeat == 0 || !covers(acknowledged.get(m.escalation.as_str())),
                        "{} while acknowledged", m.step
                    );
                }
                _ => {}
            }
        }
    }

    #[test]
    fn what_has_ended_sends_nothing_more(steps in steps()) {
        let said = run(&events(&steps));
        let mut ended = BTreeSet::new();
        for event in &said {
            match &event.payload {
                Payload::EscalationEnded(m) => {
                    prop_assert!(ended.insert(m.escalation.clone()), "{} ended twice", m.escalation);
                }
                Payload::StepFired(m) => prop_assert!(!ended.contains(&m.escalation)),
                Payload::StepArmed(m) => prop_assert!(!ended.contains(&m.escalation)),
                _ => {}
            }
        }
    }

    #[test]
    fn duplicates_change_nothing(steps in steps(), late in any::<bool>()) {
        let events = events(&steps);
        let mut twice = Vec::new();
        for (index, event) in events.iter().enumerate() {
            if !late {
                twice.extend([event.clone(), event.clone()]);
                continue;
            }
            // Again after the next one, at its time, within the horizon in which a repeat is known.
            twice.push(event.clone());
            if let Some(before) = index.checked_sub(1).map(|before| &events[before])
                && event.time.since(before.time) < Millis::days(8)
            {
                twice.push(before.clone());
            }
        }
        let mut escalator = fresh();
        let mut out = Output::default();
        let mut now = hour(0);
        for event in &twice {
            now = now.max(event.time);
            escalator.apply(event, now, &mut out);
        }
        escalator.advance(horizon(&events), &mut out);
        prop_assert_eq!(lines(&out.events), lines(&run(&events)));
    }

    #[test]
    fn one_jump_in_time_says_what_many_small_ones_say(steps in steps(), stride in 1_i64..4_000) {
        let events = events(&steps);
        let mut escalator = fresh();
        let mut out = Output::default();
        let mut now = hour(0);
        for event in &events {
            while now.plus(Millis::minutes(stride)) < event.time {
                now = now.plus(Millis::minutes(stride));
                escalator.advance(now, &mut out);
                prop_assert!(escalator.next_due().is_none_or(|due| due > now));
            }
            escalator.apply(event, event.time, &mut out);
        }
        let end = horizon(&events);
        while now < end {
            now = now.plus(Millis::hours(stride)).min(end);
            escalator.advance(now, &mut out);
        }
        prop_assert_eq!(lines(&out.events), lines(&run(&events)));
    }
}

proptest! {
    // Every case restores once for every prefix.
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn a_restored_escalator_goes_on_like_the_one_that_wrote(steps in steps(), looks in any::<u32>()) {
        let events = events(&steps);
        let mut straight = fresh();
        let mut topic: BTreeMap<String, Option<Vec<u8>>> = BTreeMap::new();
        let mut before = Output::default();
        let mut uncompacted = Vec::new();
        for prefix in 0..events.len() {
            straight.apply(&events[prefix], events[prefix].time, &mut before);
            // Written between the events of an instant and its deadlines, and after both.
            if looks >> (prefix % 32) & 1 == 1 && is_last_of_its_instant(&events, prefix) {
                straight.advance(events[prefix].time, &mut before);
            }
            let records = straight.changelog();
            topic.extend(records.clone());
            uncompacted.extend(records);

            let mut one_by_one = knowing(&events[..=prefix]);
            for record in uncompacted.clone() {
                one_by_one.restore(std::iter::once(record)).expect("what it wrote itself can be read");
            }
            let mut restored = knowing(&events[..=prefix]);
            restored.restore(topic.clone().into_iter()).expect("what it wrote itself can be read");
            prop_assert_eq!(one_by_one.next_due(), restored.next_due());
            let (mut one, mut all) = (Output::default(), Output::default());
            one_by_one.advance(horizon(&events), &mut one);
            restored.clone().advance(horizon(&events), &mut all);
            prop_assert_eq!(one, all);

            prop_assert_eq!(restored.next_due(), straight.next_due());
            prop_assert_eq!(restored.running(), straight.running());
            prop_assert_eq!(restored.changelog(), []);
            let mut going_on = straight.clone();
            let (mut expected, mut actual) = (Output::default(), Output::default());
            for event in &events[prefix + 1..] {
                going_on.apply(event, event.time, &mut expected);
                restored.apply(event, event.time, &mut actual);
                prop_assert_eq!(going_on.changelog(), restored.changelog());
            }
            going_on.advance(horizon(&events), &mut expected);
            restored.advance(horizon(&events), &mut actual);
            prop_assert_eq!(lines(&expected.events), lines(&actual.events));
            prop_assert_eq!(going_on.changelog(), restored.changelog());
        }
    }
}

fn is_last_of_its_instant(events: &[Event], index: usize) -> bool {
    events.get(index + 1).is_none_or(|next| next.time > events[index].time)
}

/// An escalator that knows the reference data so far and nothing else.
fn knowing(past: &[Event]) -> Escalator {
    let mut knowing = fresh();
    for event in past {
        if matches!(event.payload, Payload::OrganisationRecorded(_)) {
            knowing.reference(event);
        }
    }
    knowing
}

fn lines(events: &[Event]) -> Vec<String> {
    events.iter().map(line).collect()
}

#[test]
fn a_record_of_another_topic_or_a_newer_format_is_refused_with_its_key() {
    let restore = |key: &str, value: Vec<u8>| {
        let mut escalator = Escalator::new(Options::default());
        escalator.restore([(key.to_owned(), Some(value))].into_iter()).unwrap_err().to_string()
    };
    assert!(restore("ticket/1", vec![]).contains("no state has the key `ticket/1`"));
    // Field 1, varint: format 9.
    assert!(restore("escalation/1", vec![8, 9]).contains("has format 9"));
    assert!(restore("escalation/1", vec![8, 1]).contains("is damaged"));
    assert!(restore("step/1", vec![255]).contains("is no Step"));
}
