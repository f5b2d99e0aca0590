//! `bellwether replay`: events in, triggers and steps out, in virtual time.

use std::process::ExitCode;

use bellwether_model::EventTime;
use bellwether_wire::envelope::Event;
use bellwether_wire::ids::HashKey;
use bellwether_wire::{Payload, json, topics};
use serde::Serialize;

use crate::cli::Replay;
use crate::config::Config;
use crate::failure::{Advice as _, Context as _, Exit, Failure};
use crate::format::{self, Format};
use crate::replay::against::{self, Difference};
use crate::replay::pipeline::Folding;
use crate::replay::{read, stages};

/// Replays.
///
/// # Errors
/// When input cannot be read or an option does not fit.
pub(super) fn run(config: &Config, args: &Replay) -> Result<ExitCode, Failure> {
    // What the command line says comes first, so that what cannot be costs no replay.
    let old = args.against.as_deref().map(read::said).transpose()?;
    let mut thresholds = config.thresholds()?;
    for setting in &args.set {
        let (key, value) = setting.split_once('=').ok_or_else(|| {
            Failure::new(Exit::Usage, format!("--set {setting} is not KEY=VALUE"))
                .hint("`bellwether config print --thresholds` lists the keys")
        })?;
        thresholds
            .set(key.trim(), value)
            .or_fail(Exit::Usage, || format!("--set {setting} does not fit"))
            .to_do("`bellwether config print --thresholds` lists the keys with their units")?;
    }
    let until = args.until.as_deref().map(instant).transpose()?;
    let id_key = key("--id-key", args.id_key.as_deref())?;
    let pseudonym_key = key("--pseudonym-key", args.pseudonym_key.as_deref())?;
    let read::Input { mut events, unknown, bad } = input(config, args)?;
    unknown.notes().chain(bad.notes()).for_each(|note| format::tell(&note));
    events.sort();
    let until = until.or_else(|| events.last()).unwrap_or(EventTime::MIN);
    let folding = Folding::new(id_key, pseudonym_key, &thresholds);
    let (unresolved, told) = match old {
        Some(old) => {
            let mut said = Vec::new();
            let unresolved = stages::run(events, until, folding, |event| {
                if against::counts(&event) {
                    said.push(event);
                }
                Ok(())
            })?;
            (unresolved, Told::Differences(against::differences(&old, &said)))
        }
        None if args.format == Format::Json => {
            let mut out = format::Lines::new();
            let unresolved = stages::run(events, until, folding, |event| {
                out.line(|writer| json::write_to(writer, &event))
            })?;
            out.end()?;
            (unresolved, Told::Lines)
        }
        None => {
            let mut rows = Vec::new();
            let unresolved = stages::run(events, until, folding, |event| {
                rows.extend(line(&event));
                Ok(())
            })?;
            (unresolved, Told::Rows(rows))
        }
    };
    if unresolved.events() > 0 {
        format::tell(&format!(
            "note: events that wait for an identity or a squad that the input does not link: {}",
            unresolved.events()
        ));
    }
    let code = tell(args.format, told)?;
    // What could be read is folded, and the answer is not of all that was given.
    Ok(if bad.count > 0 { ExitCode::from(Exit::Input as u8) } else { code })
}

fn tell(format: Format, told: Told) -> Result<ExitCode, Failure> {
    match told {
        Told::Lines => Ok(ExitCode::SUCCESS),
        Told::Rows(rows) => {
            let none = "nothing fires, escalates or is assessed";
            format::rows_or(format, none, &["at", "what", "about", "detail"], &rows, |line| {
                vec![line.at.clone(), line.what.clone(), line.about.clone(), line.detail.clone()]
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Told::Differences(found) => differences(format, &found),
    }
}

/// What a replay came to.
enum Told {
    /// It is written already.
    Lines,
    Rows(Vec<Line>),
    Differences(Vec<Difference>),
}

fn input(config: &Config, args: &Replay) -> Result<read::Input, Failure> {
    let mut input = read::Input::default();
    input.read(&args.org)?;
    if args.from_topics {
        let log = crate::client::connect(config, &crate::client::bootstrap(config)?)?;
        for topic in topics::Topic::SOURCES.into_iter().chain([topics::Topic::Command]) {
            input.extend(&super::topics::events(config, log.as_ref(), topic)?);
        }
    } else if args.events.is_empty() {
        return Err(Failure::new(Exit::Usage, "no events are named")
            .hint("name files or folders of JSON Lines, - for standard input, or --from-topics"));
    }
    input.read(&args.events)?;
    Ok(input)
}

fn instant(text: &str) -> Result<EventTime, Failure> {
    EventTime::parse(text)
        .or_fail(Exit::Usage, || format!("--until {text} is no instant"))
        .to_do("write an instant such as 2026-03-31T22:00:00Z")
}

fn key(option: &str, text: Option<&str>) -> Result<HashKey, Failure> {
    match text {
        None => Ok(HashKey::ZERO),
        Some(text) => HashKey::from_hex(text).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("{option} is not 64 hexadecimal digits")).hint(
                "take that of the run to compare with, make one with openssl rand -hex 32, or leave it out",
            )
        }),
    }
}

/// A line for people.
#[derive(Debug, Serialize)]
struct Line {
    at: String,
    what: String,
    about: String,
    detail: String,
}

fn line(event: &Event) -> Option<Line> {
    let subject = |subject: &Option<bellwether_wire::pb::Subject>| {
        subject.as_ref().map(|subject| subject.id.clone()).unwrap_or_default()
    };
    let (what, about, detail) = match &event.payload {
        Payload::TriggerFired(m) => {
            let arithmetic = m.explain.as_ref().map(|explain| explain.arithmetic.clone()).unwrap_or_default();
            (format!("{} fired", m.rule), subject(&m.subject), arithmetic)
        }
        Payload::TriggerAmended(m) => (format!("{} amended", m.rule), subject(&m.subject), m.change.clone()),
        Payload::TriggerHeld(m) => {
            (format!("{} held", m.rule), subject(&m.subject), format!("{}: {}", m.reason, m.source))
        }
        Payload::TriggerSuppressed(m) => {
            (format!("{} suppressed", m.rule), subject(&m.subject), m.reason.clone())
        }
        Payload::TriggerCleared(m) => (format!("{} cleared", m.rule), subject(&m.subject), m.reason.clone()),
        Payload::SprintAssessed(m) => {
            let percent =
                m.commit_reliability.as_ref().map(|ratio| ratio.display.clone()).unwrap_or_default();
            let detail = format!(
                "committed {} final {} shipped {} reliability {percent}",
                m.committed, m.r#final, m.shipped
            );
            ("sprint assessed".to_owned(), m.sprint.clone(), detail)
        }
        Payload::StepFired(m) => {
            let repeat = if m.repeat > 0 { format!(" repeat {}", m.repeat) } else { String::new() };
            (format!("L{} fired{repeat}", m.level), m.rule.clone(), m.audience.join(", "))
        }
        Payload::StepHeld(m) => (format!("L{} held", m.level), m.step.clone(), m.reason.clone()),
        Payload::StepSkipped(m) => (format!("L{} skipped", m.level), m.step.clone(), m.reason.clone()),
        Payload::EscalationEnded(m) => {
            ("escalation ended".to_owned(), m.escalation.clone(), m.reason.clone())
        }
        _ => return None,
    };
    Some(Line { at: event.time.to_rfc3339(), what, about, detail })
}

fn differences(format: Format, differences: &[Difference]) -> Result<ExitCode, Failure> {
    format::rows_or(
        format,
        "no difference",
        &["difference", "rule", "subject", "as of", "cleared at"],
        differences,
        |difference| match difference {
            Difference::Only { side, instance } => vec![
                format!("only in the {side} run"),
                instance.rule.clone(),
                instance.subject.clone(),
                instance.as_of.clone(),
                instance.cleared_at.clone().unwrap_or_default(),
            ],
            Difference::Moved { old, new } => vec![
                "moved".to_owned(),
                new.rule.clone(),
                new.subject.clone(),
                format!("{} -> {}", old.as_of, new.as_of),
                format!(
                    "{} -> {}",
                    old.cleared_at.as_deref().unwrap_or("-"),
                    new.cleared_at.as_deref().unwrap_or("-")
                ),
            ],
        },
    )?;
    Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(Exit::Findings as u8) })
}
