//! `up` under the clock's time, killed in the midst of what people publish, loses and doubles nothing.
//!
//! Two runs get the same files at the same time, one of them undisturbed. What is compared is every trigger and every
//! record of an escalation, in the order of its trigger: identity, rule, subject, arithmetic, who is told what. What is
//! left out is what the clock decides: record time, `firedAt`, `due` and other instants of deciding, which are later by
//! as long as nobody ran, and that nobody ran; and positions.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use bellwether_tests::conformance::wait::{Deadline, eventually};
use bellwether_tests::product::{Outside, Process, Said, Settings, launch, up};
use bellwether_wire::topics::Topic;
use bellwether_wire::{Payload, binary, pb};

use super::present::{BURNING, LET_DOWN, Present};

/// What must have grown since a file was begun when `up` and who publishes are killed; the log end counts, so a
/// transaction may be under way. One per file.
const KILLED_IN: [Topic; 7] = [
    Topic::Reference,
    Topic::Facts,
    Topic::Trigger,
    Topic::Page,
    Topic::Escalation,
    Topic::Facts,
    Topic::Trigger,
];

/// What is said, by trigger, in order.
type Spoken = BTreeMap<String, Vec<String>>;

/// Killed seven times, publishers too, which then publish again from the start of their file.
pub(crate) fn killed_while_people_publish() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let rough = Settings::live(&folder.path().join("rough"), "live");
    let calm = rough.at(&folder.path().join("calm"));
    let present = Present::new(&rough)?;
    ensure!(present.len() == KILLED_IN.len(), "{} files", present.len());
    let (wanted, found) = std::thread::scope(|scope| {
        let calm = scope.spawn(|| undisturbed(&present, &calm));
        let found = disturbed(&present, &rough);
        (calm.join(), found)
    });
    let wanted = wanted.map_err(|_| anyhow::anyhow!("the undisturbed run panicked"))??;
    let found = found?;
    for (trigger, wanted) in &wanted {
        let found = found.get(trigger).with_context(|| format!("lost, all of it: {wanted:#?}"))?;
        ensure!(found == wanted, "{trigger}: {found:#?}\nand not\n{wanted:#?}");
    }
    let more: Vec<_> = found.iter().filter(|(trigger, _)| !wanted.contains_key(*trigger)).collect();
    ensure!(more.is_empty(), "undisturbed nobody says {more:#?}");
    Ok(())
}

fn undisturbed(present: &Present, settings: &Settings) -> anyhow::Result<Spoken> {
    let mut process = up(settings)?;
    for file in 0..present.len() {
        present.publish(file, settings, &process.servers)?;
    }
    finish(&mut process, settings)
}

fn disturbed(present: &Present, settings: &Settings) -> anyhow::Result<Spoken> {
    for (file, topic) in KILLED_IN.into_iter().enumerate() {
        let mut process = launch(settings)?;
        if let Some(cut) = file.checked_sub(1) {
            // Nobody knows how much of it arrived.
            present.publish(cut, settings, &process.servers)?;
        }
        let log = Outside::connect(&process.servers, settings)?;
        let began = log.end(topic)?;
        let publishing = present.begin(file, settings, &process.servers)?;
        let deadline = Deadline::new(format!("{} grows", topic.thing()));
        while log.end(topic)? <= began {
            process.check()?;
            deadline.check(|| process.errors())?;
        }
        process.kill()?;
        drop(publishing);
    }
    let mut process = up(settings)?;
    present.publish(present.len() - 1, settings, &process.servers)?;
    finish(&mut process, settings)
}

/// Waits until all has fired that must, and for the end of the work.
fn finish(process: &mut Process, settings: &Settings) -> anyhow::Result<Spoken> {
    let log = Outside::connect(&process.servers, settings)?;
    eventually("every dependency is breached", || {
        process.check()?;
        let said = log.contents(Topic::Trigger)?;
        let breached = said.iter().filter(|said| said.header("ce_type") == "bellwether.trigger.fired.v1");
        Ok((breached.count() >= BURNING + LET_DOWN.len()).then_some(()))
    })
    .with_context(|| process.errors())?;
    log.settle(|| process.check())?;
    let (triggers, steps) = (log.contents(Topic::Trigger)?, log.contents(Topic::Escalation)?);
    let dead = log.contents(Topic::Dlq)?;
    process.stop()?;
    ensure!(dead.is_empty(), "dead letters: {:?}", dead.iter().map(Said::line).collect::<Vec<_>>());
    let mut ids = BTreeSet::new();
    let mut spoken = Spoken::new();
    for said in triggers.iter().chain(&steps).filter(|said| !said.is_pause()) {
        let id = (said.header("ce_source"), said.header("ce_id"));
        ensure!(ids.insert(id), "said twice: {}", said.line());
        let (trigger, text) = text(said)?;
        // The id of an arming ends with the instant it is due at.
        let id = said.header("ce_id");
        let id = id.split_once("/armed/").map_or(id, |(step, _)| step);
        spoken.entry(trigger).or_default().push(format!("{id} {text}"));
    }
    ensure!(spoken.len() == BURNING + LET_DOWN.len(), "{} triggers: {spoken:#?}", spoken.len());
    let told = spoken.values().filter(|lines| lines.iter().any(|line| line.contains(" told "))).count();
    ensure!(told == spoken.len(), "only {told} of {} triggers reach anybody: {spoken:#?}", spoken.len());
    Ok(spoken)
}

/// The trigger a record belongs to, and what it says but for instants.
fn text(said: &Said) -> anyhow::Result<(String, String)> {
    let event = binary::read(&said.headers, said.value.as_ref())?;
    let about = |subject: &Option<pb::Subject>| {
        subject.as_ref().map_or_else(String::new, |subject| format!("{} of {}", subject.id, subject.squad))
    };
    let why = |explain: &Option<pb::Explain>| {
        explain.as_ref().map_or_else(String::new, |explain| {
            let events: Vec<&str> = explain.events.iter().map(|event| event.id.as_str()).collect();
            format!("{} by {}", explain.arithmetic, events.join(" "))
        })
    };
    Ok(match event.payload {
        Payload::TriggerFired(m) => {
            let (subject, why) = (about(&m.subject), why(&m.explain));
            let text =
                format!("fired {} {} {subject} {why} {:?} {}", m.rule, m.key_result, m.squads, m.backfill);
            (m.trigger, text)
        }
        Payload::TriggerAmended(m) => (m.trigger, format!("amended {}", m.change)),
        Payload::TriggerCleared(m) => (m.trigger, format!("cleared {}", m.reason)),
        Payload::EscalationStarted(m) => (m.trigger, format!("started {} {}", m.function, m.policy)),
        Payload::StepArmed(m) => (m.trigger, format!("armed {} {}", m.level, m.because)),
        Payload::StepHeld(m) => (m.trigger, format!("held {} {}", m.level, m.reason)),
        Payload::StepSkipped(m) => (m.trigger, format!("skipped {} {}", m.level, m.reason)),
        Payload::StepFired(m) => {
            let why = why(&m.explain);
            let whom = m.recipients.join(" ");
            (
                m.trigger,
                format!("told {:?} {whom} of {} {} {why} {}", m.audience, m.level, m.repeat, m.added_to),
            )
        }
        Payload::EscalationEnded(m) => (m.trigger, format!("ended {}", m.reason)),
        other => (String::new(), format!("{other:?}")),
    })
}
