//! `import` on a running `up`: the second time adds nothing, history pages nobody (R14), and an import that is cut short
//! together with `up` and then repeated says what one in peace says.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use bellwether_model::{EventTime, Millis};
use bellwether_tests::conformance::wait::Deadline;
use bellwether_tests::product::{Outside, Process, Settings, launch, run, up};
use bellwether_wire::topics::Topic;
use bellwether_wire::{Payload, binary, json};

use super::present::PAGES;

/// The tools of the fixtures.
const TOOLS: [&str; 3] = ["jira", "linear", "pagerduty"];

/// How often each event is there.
type Counted = BTreeMap<String, usize>;

/// What must have grown when `up` and the import are killed.
const KILLED_IN: [Topic; 3] = [Topic::Page, Topic::Facts, Topic::Trigger];

/// Our own export of a burning engineer, alone.
pub(crate) fn history_pages_nobody() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let settings = Settings::live(&folder.path().join("up"), "past");
    let exports = folder.path().join("exports");
    export(&exports)?;
    let path = exports.to_str().context("a path that is text")?;
    let said = twice(&settings, &[path], 0, 1)?;
    cut_short(&settings.at(&folder.path().join("cut")), &[path], 0, &said)
}

/// What real tools have sent, with our own beside it, so that something fires.
pub(crate) fn fixtures_twice(fixtures: &Path) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let settings = Settings::live(&folder.path().join("up"), "past");
    let exports = folder.path().join("exports");
    export(&exports)?;
    let mut paths: Vec<String> = TOOLS.iter().map(|tool| fixtures.join(tool).display().to_string()).collect();
    paths.push(exports.display().to_string());
    let words: Vec<&str> = paths.iter().map(String::as_str).collect();
    // Some of the fixtures are tables without the raw payloads: refused, which the exit code says.
    let said = twice(&settings, &words, 1, 100)?;
    cut_short(&settings.at(&folder.path().join("cut")), &words, 1, &said)
}

/// Imports twice; what triggers and escalations say, by identity and count.
fn twice(settings: &Settings, paths: &[&str], code: i32, least: usize) -> anyhow::Result<Counted> {
    let mut process = up(settings)?;
    let log = Outside::connect(&process.servers, settings)?;
    import(settings, &process, paths, code)?;
    log.settle(|| process.check())?;
    let once = state(settings, &process, &log)?;
    let sources = sources(&log)?;
    import(settings, &process, paths, code)?;
    log.settle(|| process.check())?;
    let again = state(settings, &process, &log)?;
    ensure!(self::sources(&log)? >= 2 * sources, "the second import published less than the first");
    ensure!(once == again, "the second import adds: {:#?}", difference(&once, &again));
    ensure!(once.len() >= least, "{} things in the log", once.len());

    let mut fired = 0;
    for said in log.contents(Topic::Trigger)? {
        if let Payload::TriggerFired(message) = binary::read(&said.headers, said.value.as_ref())?.payload {
            ensure!(message.backfill, "no backfill: {message:?}");
            fired += 1;
        }
    }
    ensure!(fired > 0, "nothing fired, so nothing is shown");
    let steps = log.contents(Topic::Escalation)?;
    if let Some(step) = steps.first() {
        bail!("history escalates: {}", step.line());
    }
    process.stop()?;
    Ok(of_triggers(again))
}

/// Kills `up` and the import again and again, then imports in peace. Which facts went to a squad before its people were
/// known depends on where the cut was; what fires does not.
fn cut_short(settings: &Settings, paths: &[&str], code: i32, wanted: &Counted) -> anyhow::Result<()> {
    for topic in KILLED_IN {
        let mut process = launch(settings)?;
        let log = Outside::connect(&process.servers, settings)?;
        let began = log.end(topic)?;
        let importing = Process::start(settings, &words(&process, paths))?;
        let deadline = Deadline::new(format!("{} grows", topic.thing()));
        // A trigger fires once: after that there is nothing to wait for.
        while log.end(topic)? <= began && (topic != Topic::Trigger || began == 0) {
            process.check()?;
            deadline.check(|| process.errors())?;
        }
        process.kill()?;
        drop(importing);
    }
    let mut process = up(settings)?;
    let log = Outside::connect(&process.servers, settings)?;
    import(settings, &process, paths, code)?;
    log.settle(|| process.check())?;
    let found = of_triggers(state(settings, &process, &log)?);
    process.stop()?;
    ensure!(found == *wanted, "said after the kills {found:#?}\nand in peace {wanted:#?}");
    Ok(())
}

fn import(settings: &Settings, process: &Process, paths: &[&str], code: i32) -> anyhow::Result<()> {
    run(settings, &words(process, paths))?.expect(code)?;
    Ok(())
}

fn words<'a>(process: &'a Process, paths: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["import", "--infer-reference", "--bootstrap-servers", process.servers.as_str()];
    words.extend(paths);
    words
}

fn of_triggers(mut counted: Counted) -> Counted {
    counted.retain(|event, _| event.starts_with("trigger ") || event.starts_with("escalation "));
    counted
}

fn sources(log: &Outside) -> anyhow::Result<i64> {
    Topic::SOURCES.into_iter().map(|topic| log.end(topic)).sum()
}

/// How often each event is in what the roles wrote. Ticks and pauses are not counted: the clock goes on.
fn state(settings: &Settings, process: &Process, log: &Outside) -> anyhow::Result<Counted> {
    let mut counted = Counted::new();
    let facts =
        run(settings, &["topics", "read", "facts", "--bootstrap-servers", &process.servers])?.expect(0)?;
    for line in facts.out.lines() {
        let event = json::read(line)?;
        let clock = |payload: &Payload| {
            use Payload::{ProcessPaused, ProcessResumed, TickRecorded};
            matches!(payload, TickRecorded(_) | ProcessPaused(_) | ProcessResumed(_))
        };
        if !clock(&event.payload) {
            *counted.entry(format!("fact {} {}", event.id.source, event.id.id)).or_default() += 1;
        }
    }
    for topic in [Topic::Trigger, Topic::Escalation, Topic::EscalationDelay, Topic::Receipt, Topic::Dlq] {
        for said in log.contents(topic)?.iter().filter(|said| !said.is_pause()) {
            let event = format!("{} {} {}", topic.thing(), said.header("ce_source"), said.header("ce_id"));
            *counted.entry(event).or_default() += 1;
        }
    }
    Ok(counted)
}

fn difference(once: &Counted, again: &Counted) -> Vec<String> {
    again
        .iter()
        .filter(|(event, count)| once.get(*event) != Some(count))
        .map(|(event, count)| format!("{event}: {} times, then {count}", once.get(event).unwrap_or(&0)))
        .collect()
}

/// PagerDuty's notification log of somebody who was paged too often until nine days ago.
fn export(folder: &Path) -> anyhow::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("a clock after 1970")?;
    let last = EventTime::from_ms(i64::try_from(now.as_secs())? * 1_000).minus(Millis::days(9));
    let entries: Vec<String> = (0..PAGES)
        .map(|page| {
            let at = last.minus(Millis::hours(12 * i64::from(PAGES - page))).to_rfc3339();
            let reference = |kind: &str, id: &str, path: &str| {
                let url = format!("https://burning.pagerduty.com/{path}/{id}");
                format!(r#"{{"id":"{id}","type":"{kind}_reference","summary":"{id}","html_url":"{url}"}}"#)
            };
            let incident = reference("incident", &format!("QBURN{page}"), "incidents");
            let (service, user) =
                (reference("service", "PSVC", "services"), reference("user", "PADA", "users"));
            format!(
                r#"{{"id":"RBURN{page}","type":"notify_log_entry","created_at":"{at}",
                "html_url":"https://burning.pagerduty.com/incidents/QBURN{page}/log_entries/RBURN{page}",
                "service":{service},"incident":{incident},"teams":[],"user":{user},
                "channel":{{"type":"auto","notification":{{"type":"phone","address":"x","status":"success"}}}}}}"#
            )
        })
        .collect();
    let users = r#"{"users":[{"id":"PADA","type":"user","summary":"Ada","name":"Ada","email":"ada@burning.example",
        "html_url":"https://burning.pagerduty.com/users/PADA","time_zone":"Etc/UTC","teams":[{"id":"PTEAM",
        "type":"team_reference","summary":"Burning","html_url":"https://burning.pagerduty.com/teams/PTEAM"}]}]}"#;
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("log_entries.json"), format!(r#"{{"log_entries":[{}]}}"#, entries.join(",")))?;
    std::fs::write(folder.join("users.json"), users)?;
    Ok(())
}
