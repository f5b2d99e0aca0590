//! Reads JSON Lines of events: files, folders, standard input, plain, gzip or zstd.
//!
//! What a newer version wrote is no error: an event of a type that is not in the catalogue is counted and left out,
//! where the reader says that it may be.

mod parts;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use bellwether_wire::envelope::Event;
use bellwether_wire::topics::Topic;
use bellwether_wire::{Payload, json};

use super::packed::{Block, Packed};
use crate::failure::{Exit, Failure};

/// Events of types that this version does not know, by type.
#[derive(Debug, Default)]
pub(crate) struct Unknown {
    /// Left out, with what to do.
    left_out: BTreeMap<String, (usize, String)>,
    /// They kept their bytes.
    kept: BTreeMap<String, usize>,
}

impl Unknown {
    /// Counts those of another part of the input.
    fn add(&mut self, other: Self) {
        for (type_name, (count, hint)) in other.left_out {
            self.left_out.entry(type_name).or_insert((0, hint)).0 += count;
        }
        for (type_name, count) in other.kept {
            *self.kept.entry(type_name).or_default() += count;
        }
    }

    /// A line for each type.
    pub(crate) fn notes(&self) -> impl Iterator<Item = String> {
        let mut all = self.left_out.clone();
        for (type_name, count) in &self.kept {
            let hint = || (0, "it travels on as it came".to_owned());
            all.entry(type_name.clone()).or_insert_with(hint).0 += count;
        }
        all.into_iter().map(|(type_name, (count, hint))| {
            format!(
                "note: events of type `{type_name}`, not in the catalogue, count for nothing: {count}; {hint}"
            )
        })
    }
}

/// Lines that are no events: what is wrong with the first ones, and how many there are.
#[derive(Debug, Default)]
pub(crate) struct Bad {
    /// What, why and what to do, in the order of the input.
    pub told: Vec<Failure>,
    /// All of them.
    pub count: usize,
}

impl Bad {
    /// Told one by one: enough to see the pattern.
    const TOLD_MAX: usize = 20;

    fn add(&mut self, other: Self) {
        let room = Self::TOLD_MAX.saturating_sub(self.told.len());
        self.told.extend(other.told.into_iter().take(room));
        self.count += other.count;
    }

    /// The lines that are told, and how many more there are.
    pub(crate) fn notes(&self) -> impl Iterator<Item = String> {
        let more = self.count - self.told.len();
        let more = (more > 0).then(|| format!("error: {more} more lines are no events"));
        self.told.iter().map(Failure::to_string).chain(more)
    }
}

/// What folds take in: events, packed, without what folds say and without types that this version does not know.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// Events in the order of arrival.
    pub events: Packed,
    /// What was left out or counts for nothing.
    pub unknown: Unknown,
    /// What is no event.
    pub bad: Bad,
}

impl Input {
    /// Adds what was read elsewhere.
    pub(crate) fn extend(&mut self, events: &[Event]) {
        let mut part = Part::default();
        events.iter().for_each(|event| part.take(event));
        self.add(part);
    }

    /// Adds every event of the paths, and keeps what is wrong with each line that is none: one broken line does not cost
    /// all others. Which thread reads which part shows nowhere: parts are put together in order.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn read(&mut self, paths: &[PathBuf]) -> Result<(), Failure> {
        parts::read(paths, &|line, part: &mut Part| match line.read {
            Err(json::Error::UnknownType { type_name, hint }) => {
                part.unknown.left_out.entry(type_name).or_insert((0, hint)).0 += 1;
                Ok(())
            }
            _ => {
                match line.event() {
                    Ok(event) => part.take(&event),
                    Err(failure) => part.bad.add(Bad { told: vec![failure], count: 1 }),
                }
                Ok(())
            }
        })?
        .into_iter()
        .for_each(|part| self.add(part));
        Ok(())
    }

    fn add(&mut self, part: Part) {
        self.events.add(part.block);
        self.unknown.add(part.unknown);
        self.bad.add(part.bad);
    }
}

/// A part of the input.
#[derive(Debug, Default)]
struct Part {
    block: Block,
    unknown: Unknown,
    bad: Bad,
}

impl Part {
    fn take(&mut self, event: &Event) {
        if let Payload::Unknown { type_name, .. } = &event.payload {
            *self.unknown.kept.entry(type_name.clone()).or_default() += 1;
        }
        // What folds said is not input: a recorded output may lie beside the events.
        if !is_said(event) {
            self.block.push(event);
        }
    }
}

/// Reads every event of the paths, in no particular order. `-` is standard input.
///
/// # Errors
/// At the first line that is no event of the catalogue, or says what its event would not hold, unless that may be left
/// out: to go on with a part would be a wrong answer.
pub(crate) fn events(paths: &[PathBuf], allow_unknown: bool) -> Result<Vec<Event>, Failure> {
    let parts = parts::read(paths, &|line, events: &mut Vec<Event>| {
        let (place, text) = (line.place(), line.text);
        let event = line.event()?;
        let unread = if allow_unknown { Vec::new() } else { json::unread(text, &event) };
        if !unread.is_empty() {
            let what =
                format!("{place} says what {} does not hold: {}", event.type_name(), unread.join(", "));
            return Err(Failure::new(Exit::Input, what).hint(
                "correct these fields of `data` or the words in them (docs/reference/events.md and proto/ have all), or leave \
                 them out with --allow-unknown",
            ));
        }
        events.push(event);
        Ok(())
    })?;
    Ok(parts.into_iter().flatten().collect())
}

/// What a replay, or a live run, said before: nothing but events that folds say.
///
/// # Errors
/// At the first line that is something else: compared with it, everything would look new.
pub(crate) fn said(path: &Path) -> Result<Vec<Event>, Failure> {
    let parts = parts::read(&[path.to_owned()], &|line, events: &mut Vec<Event>| {
        let place = line.place();
        let event = line.event()?;
        if is_said(&event) {
            events.push(event);
            return Ok(());
        }
        let what = format!("{place} is no output of a replay: folds do not say {}", event.type_name());
        Err(Failure::new(Exit::Input, what).hint(
            "compare with what an earlier `bellwether replay EVENTS > FILE` wrote, or `demo --output FILE`",
        ))
    })?;
    Ok(parts.into_iter().flatten().collect())
}

/// True for what folds say: types of their own, and what the escalator says came of people's commands, in their types.
pub(crate) fn is_said(event: &Event) -> bool {
    match event.payload.home_topic() {
        Some(
            Topic::Facts
            | Topic::Trigger
            | Topic::KeyResult
            | Topic::Escalation
            | Topic::EscalationDelay
            | Topic::Receipt
            | Topic::Dlq,
        ) => true,
        Some(Topic::Command) => event.id.source == bellwether_escalation::SOURCE,
        _ => false,
    }
}

/// A line and where it stands.
struct Line<'a> {
    path: &'a Path,
    number: usize,
    text: &'a str,
    read: Result<Event, json::Error>,
}

impl Line<'_> {
    fn place(&self) -> String {
        format!("{}:{}", self.path.display(), self.number)
    }

    /// The event it must be.
    fn event(self) -> Result<Event, Failure> {
        let place = self.place();
        self.read.map_err(|error| {
            // The reader of JSON knows one line only, and which it is was said.
            let why = error.to_string().replace(" at line 1 column ", " at column ");
            Failure::new(Exit::Input, format!("{place} is no event"))
                .because(anyhow::Error::msg(why))
                .hint("each line is one CloudEvents object; docs/reference/events.md has every type with an example")
        })
    }
}

/// The files of a path: itself, or all below a folder whose name ends like a file of events, in order.
fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |error: io::Error| {
        Failure::new(Exit::Input, format!("cannot read the folder {}", path.display())).because(error)
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let child = entry.map_err(unreadable)?.path();
        if child.is_dir() {
            found.extend(files(&child)?);
        } else if is_event_file(&child) {
            found.push(child);
        }
    }
    found.sort();
    Ok(found)
}

/// Nothing to read is no answer of nothing.
fn require_some(path: &Path, found: &[PathBuf]) -> Result<(), Failure> {
    if found.is_empty() {
        return Err(Failure::new(Exit::Input, format!("no file of events in the folder {}", path.display()))
            .hint("events are read from files that end in .jsonl, .ndjson or .json, plain, .gz or .zst"));
    }
    Ok(())
}

fn is_event_file(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(name);
    [".jsonl", ".ndjson", ".json"].iter().any(|ending| stem.ends_with(ending))
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    let unreadable = |error: io::Error| {
        Failure::new(Exit::Input, format!("cannot read {}", path.display()))
            .because(error)
            .hint("name files or folders of JSON Lines, or - for standard input")
    };
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    let magic = reader.fill_buf().map_err(unreadable)?;
    let boxed: Box<dyn Read> = if magic.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::bufread::MultiGzDecoder::new(reader))
    } else if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(zstd::stream::read::Decoder::with_buffer(reader).map_err(unreadable)?)
    } else {
        return Ok(Box::new(reader));
    };
    Ok(Box::new(BufReader::new(boxed)))
}

#[cfg(test)]
mod tests {
    use bellwether_model::EventTime;

    use super::*;

    #[test]
    fn a_folder_without_files_of_events_is_an_error_and_an_empty_file_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = events(&[folder.path().to_owned()], false).expect_err("nothing to read");
        assert!(error.to_string().contains("no file of events"), "{error}");
        std::fs::write(folder.path().join("none.jsonl"), "").expect("a file");
        assert_eq!(events(&[folder.path().to_owned()], false).expect("an empty file"), []);
    }

    #[test]
    fn a_byte_order_mark_and_blank_lines_are_no_events() {
        let line =
            r#"{"id":"1","source":"s","type":"page.notified","time":"2026-01-05T00:00:00Z","data":{}}"#;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.jsonl");
        std::fs::write(&path, format!("\u{feff}{line}\r\n\r\n{line}")).expect("written");
        assert_eq!(events(&[path], false).expect("read").len(), 2);
    }

    #[test]
    fn a_field_that_would_be_left_out_is_refused_where_somebody_typed_it_and_left_out_of_a_replay() {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = [folder.path().join("events.jsonl")];
        let line = r#"{"id":"1","source":"s","type":"page.notified","time":"2026-01-05T00:00:00Z","data":{"incdent":"i"}}"#;
        std::fs::write(&paths[0], format!("\n{line}")).expect("written");
        let refused = events(&paths, false).expect_err("refused").to_string();
        assert!(refused.contains("events.jsonl:2 says what"), "{refused}");
        assert!(refused.contains("does not hold: incdent"), "{refused}");
        assert_eq!(events(&paths, true).expect("left out").len(), 1);
        let mut input = Input::default();
        input.read(&paths).expect("a newer version may have written it");
        assert_eq!(input.events.into_events(EventTime::MAX).count(), 1);
    }

    #[test]
    fn a_type_of_a_newer_version_is_counted_and_left_out_only_where_it_may_be() {
        let line = |kind: &str, data: &str| {
            format!(r#"{{"id":"1","source":"s","type":"{kind}","time":"2026-01-05T00:00:00Z",{data}}}"#)
        };
        let text = [
            line("page.notified", r#""data":{}"#),
            line("bellwether.page.notifed.v1", r#""data":{}"#),
            line("bellwether.later.invented.v1", r#""data_base64":"AP8=""#),
        ];
        let folder = tempfile::tempdir().expect("a folder");
        let paths = [folder.path().join("events.jsonl")];
        std::fs::write(&paths[0], text.join("\n")).expect("written");
        let mut input = Input::default();
        input.read(&paths).expect("read");
        let notes: Vec<String> = input.unknown.notes().collect();
        let known = input.events.into_events(EventTime::MAX).count();
        assert_eq!(known, 2, "bytes travel on");
        assert!(
            notes[0].contains(
                "events of type `bellwether.later.invented.v1`, not in the catalogue, count for nothing: 1"
            ),
            "{notes:?}"
        );
        assert!(notes[1].ends_with("did you mean bellwether.page.notified.v1?"), "{notes:?}");
        let refused = events(&paths, false).expect_err("refused").to_string();
        assert!(refused.contains("events.jsonl:2 is no event"), "{refused}");
        std::fs::write(&paths[0], format!("\n\n{}", r#"{"id":"1","source":"s"#)).expect("written");
        let refused = events(&paths, false).expect_err("refused").to_string();
        assert!(refused.contains("events.jsonl:3") && !refused.contains("line 1"), "{refused}");
    }

    #[test]
    fn a_line_that_is_no_event_is_told_and_does_not_cost_the_others() {
        let good =
            r#"{"id":"1","source":"s","type":"page.notified","time":"2026-01-05T00:00:00Z","data":{}}"#;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.jsonl");
        let broken = "{broken\n".repeat(Bad::TOLD_MAX + 2);
        std::fs::write(&path, format!("{good}\n{broken}{good}\n")).expect("written");
        let mut input = Input::default();
        input.read(&[path]).expect("read");
        let notes: Vec<String> = input.bad.notes().collect();
        assert!(notes[0].contains("events.jsonl:2 is no event"), "{notes:?}");
        assert_eq!(notes.last().map(String::as_str), Some("error: 2 more lines are no events"));
        assert_eq!(input.events.into_events(EventTime::MAX).count(), 2);
    }

    #[test]
    fn what_is_compared_with_must_be_what_folds_say_and_the_line_that_is_not_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("old.jsonl");
        let line = |kind: &str, source: &str| {
            format!(
                r#"{{"id":"1","source":"{source}","type":"{kind}","time":"2026-01-05T00:00:00Z","data":{{}}}}"#
            )
        };
        let of_folds = [
            line("trigger.fired", "bellwether://process"),
            line("escalation.acknowledged", "bellwether://escalate"),
            line("sprint.assessed", "bellwether://process"),
        ];
        std::fs::write(&path, of_folds.join("\n")).expect("written");
        assert_eq!(said(&path).expect("an output").len(), 3);
        for other in [line("page.notified", "pagerduty://acme"), line("escalation.acknowledged", "cli://ann")]
        {
            std::fs::write(&path, format!("{}\n\n{other}\n", of_folds[0])).expect("written");
            let refused = said(&path).expect_err("refused").to_string();
            assert!(refused.contains("old.jsonl:3 is no output of a replay"), "{refused}");
        }
    }

    #[test]
    fn a_packed_file_that_breaks_off_is_told_with_what_to_do() {
        use std::io::Write as _;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&b"\n".repeat(10_000)).expect("packed");
        let packed = packed.finish().expect("packed");
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(&packed[..packed.len() - 12]).expect("written");
        let told = events(&[file.path().to_owned()], false).expect_err("it breaks off").to_string();
        assert!(told.contains("breaks off there: pack or fetch it again"), "{told}");
    }
}
