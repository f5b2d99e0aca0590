//! `up` killed again and again says what it says undisturbed: the same records, in the same order, byte for byte, but for
//! their positions.
//!
//! What makes bytes comparable: time is warped, so every instant in a record comes from the events and marks in the
//! source topics, which both runs share; there is one partition of each topic, so there is one order; the keys are zero.
//! What is left out: positions, which count the markers and remains of transactions that were cut; and the record time of
//! `escalation.delay`, which is the producer's clock and which nothing reads but retention. Of compacted topics the last
//! record of each key is compared.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use bellwether_tests::conformance::cluster::unique;
use bellwether_tests::conformance::wait::Deadline;
use bellwether_tests::product::{Outside, Said, Settings, launch, unlike, up};
use bellwether_wire::topics::Topic;

use super::quarter;

/// What the roles say.
const SAID: [Topic; 6] =
    [Topic::Facts, Topic::Trigger, Topic::KeyResult, Topic::Escalation, Topic::EscalationDelay, Topic::Dlq];

/// How far a week has come when everything is killed. The week after goes on from there.
const ENDS: [(After, Ended); 13] = [
    (After::Route, Ended::Killed),
    (After::Process, Ended::Killed),
    (After::Escalate, Ended::Killed),
    (After::Append, Ended::Killed),
    (After::Route, Ended::Killed),
    // What follows goes on from snapshots.
    (After::Process, Ended::Stopped),
    (After::Process, Ended::Killed),
    (After::Route, Ended::Killed),
    (After::Escalate, Ended::Killed),
    (After::Append, Ended::Killed),
    (After::Route, Ended::Stopped),
    (After::Process, Ended::Killed),
    (After::Escalate, Ended::Killed),
];

/// What has been committed of a week when its process ends: nothing yet, or the first transaction of a role, so that
/// the roles behind it are in the middle of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Append,
    Route,
    Process,
    Escalate,
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// By SIGKILL.
    Killed,
    /// By SIGTERM: it takes snapshots.
    Stopped,
}

type Spoken = Vec<(Topic, Vec<Said>)>;

/// On the embedded broker, which dies with the roles.
pub(crate) fn embedded() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let calm = Settings::warped(&folder.path().join("calm"), "whole");
    let wanted = undisturbed(&calm)?;
    compare(&disturbed(&calm.at(&folder.path().join("rough")))?, &wanted)
}

/// On a cluster, which lives on, and against what is said on the embedded broker.
pub(crate) fn cluster(servers: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let calm = Settings::warped(&folder.path().join("calm"), &unique("whole"));
    let wanted = undisturbed(&calm)?;
    let cluster = calm.at(&folder.path().join("rough"));
    compare(&disturbed(&Settings { servers: Some(servers.to_owned()), ..cluster })?, &wanted)
}

/// The whole quarter is there before one process begins, and ends, its work.
fn undisturbed(settings: &Settings) -> anyhow::Result<Spoken> {
    quarter::fill(settings, &quarter::weeks(settings)?.concat())?;
    let spoken = spoken(settings)?;
    let steps =
        spoken.iter().find(|(topic, _)| *topic == Topic::Escalation).map_or(0, |(_, said)| said.len());
    ensure!(steps > 100, "the quarter hardly escalates: {steps} records");
    Ok(spoken)
}

/// Each week is put in while the process runs that will be killed over it.
fn disturbed(settings: &Settings) -> anyhow::Result<Spoken> {
    let weeks = quarter::weeks(settings)?;
    let (organisation, weeks) = weeks.split_first().context("an organisation")?;
    ensure!(weeks.len() == ENDS.len(), "{} weeks, but {} ends", weeks.len(), ENDS.len());
    // Whole before a role begins: the escalator reads it beside its inputs, and both runs must know the same.
    quarter::fill(settings, organisation)?;
    for (week, (after, ended)) in weeks.iter().zip(ENDS) {
        let mut process = launch(settings)?;
        let log = Outside::connect(&process.servers, settings)?;
        let role = match after {
            After::Append => None,
            After::Route => Some("route"),
            After::Process => Some("process"),
            After::Escalate => Some("escalate"),
        };
        let began = role.map_or(Ok(0), |role| log.progress(role))?;
        log.append(week)?;
        let deadline = Deadline::new(format!("{after:?} commits"));
        while role.map_or(Ok(began + 1), |role| log.progress(role))? <= began {
            process.check()?;
            deadline.check(|| process.errors())?;
        }
        match ended {
            Ended::Killed => process.kill()?,
            Ended::Stopped => process.stop()?,
        }
    }
    spoken(settings)
}

/// Goes on to the end of the work; all that was ever said.
fn spoken(settings: &Settings) -> anyhow::Result<Spoken> {
    let mut process = up(settings)?;
    let log = Outside::connect(&process.servers, settings)?;
    log.settle(|| process.check())?;
    let spoken = SAID
        .into_iter()
        .map(|topic| {
            let mut said = log.contents(topic)?;
            if topic == Topic::EscalationDelay {
                said.iter_mut().for_each(|record| record.timestamp_ms = 0);
            }
            Ok((topic, if topic.is_compacted() { last_of_each_key(said) } else { said }))
        })
        .collect::<anyhow::Result<_>>()?;
    process.stop()?;
    Ok(spoken)
}

/// What compaction must keep; when it runs, and what else it still keeps, is the broker's affair.
fn last_of_each_key(said: Vec<Said>) -> Vec<Said> {
    let last: BTreeMap<_, _> = said.into_iter().map(|record| (record.key.clone(), record)).collect();
    last.into_values().filter(|record| record.value.is_some()).collect()
}

fn compare(found: &[(Topic, Vec<Said>)], wanted: &[(Topic, Vec<Said>)]) -> anyhow::Result<()> {
    for ((topic, found), (_, wanted)) in found.iter().zip(wanted) {
        unlike(topic.thing(), found, wanted)?;
        ensure!(*topic != Topic::Dlq || found.is_empty(), "{} dead letters", found.len());
    }
    Ok(())
}
