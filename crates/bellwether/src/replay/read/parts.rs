//! Lines, parsed by as many threads as there are cores: whole lines are cut into parts of a megabyte, and parts come back
//! in the order of the input.
//!
//! Invariant: what comes back, an error included, is what one thread reading line by line would give.

use std::io::{self, BufReader, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use bellwether_wire::json;

use super::{Line, files, open, require_some};
use crate::failure::{Exit, Failure};

/// Bytes of a part: enough to make handing it over cheap, little enough to keep all threads busy to the end.
const PART_BYTES: usize = 1 << 20;
/// More threads parse faster than one can fold.
const THREADS_MAX: usize = 8;
/// Parts that wait for a thread, for each of them: reading stays ahead of parsing, not by much.
const AHEAD: usize = 2;

/// Some whole lines.
struct Text {
    /// Place among all parts.
    number: usize,
    path: Arc<Path>,
    first_line: usize,
    bytes: Vec<u8>,
}

/// What becomes of a line.
pub(super) trait Judge<P>: Fn(Line<'_>, &mut P) -> Result<(), Failure> + Sync {}

impl<P, F: Fn(Line<'_>, &mut P) -> Result<(), Failure> + Sync> Judge<P> for F {}

/// Reads all lines of the paths into parts. `-` is standard input.
///
/// # Errors
/// At the first line that cannot be read, or that the judge refuses.
pub(super) fn read<P: Default + Send>(paths: &[PathBuf], judge: &impl Judge<P>) -> Result<Vec<P>, Failure> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(THREADS_MAX);
    read_with(threads, PART_BYTES, paths, judge)
}

fn read_with<P: Default + Send>(
    threads: usize,
    part_bytes: usize,
    paths: &[PathBuf],
    judge: &impl Judge<P>,
) -> Result<Vec<P>, Failure> {
    let (texts, waiting) = mpsc::sync_channel::<Text>(threads * AHEAD);
    let waiting = Mutex::new(waiting);
    let (parts, parsed) = mpsc::channel();
    let failed = AtomicBool::new(false);
    let read = thread::scope(|scope| {
        let (waiting, failed) = (&waiting, &failed);
        for _ in 0..threads {
            let parts = parts.clone();
            scope.spawn(move || {
                loop {
                    let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(text) = next else { return };
                    let part = parse(&text, judge);
                    failed.fetch_or(part.is_err(), Ordering::Relaxed);
                    // The other end is there until all threads have ended.
                    let _ = parts.send((text.number, part));
                }
            });
        }
        let mut cutter = Cutter { texts, failed, part_bytes, number: 0 };
        let read = cutter.cut_all(paths);
        drop(cutter);
        read
    });
    drop(parts);
    let mut parts: Vec<(usize, Result<P, Failure>)> = parsed.into_iter().collect();
    parts.sort_unstable_by_key(|(number, _)| *number);
    // A thread takes the next part only when all before it are taken: the first error of these is the first of all lines that
    // were read, and what failed in reading lies behind them.
    let parts = parts.into_iter().map(|(_, part)| part).collect::<Result<Vec<P>, Failure>>()?;
    read.map(|()| parts)
}

/// Cuts inputs into parts.
struct Cutter<'a> {
    texts: mpsc::SyncSender<Text>,
    failed: &'a AtomicBool,
    part_bytes: usize,
    number: usize,
}

impl Cutter<'_> {
    fn cut_all(&mut self, paths: &[PathBuf]) -> Result<(), Failure> {
        for path in paths {
            if path.as_os_str() == "-" {
                self.cut(BufReader::new(io::stdin().lock()), Path::new("standard input"))?;
                continue;
            }
            let found = files(path)?;
            require_some(path, &found)?;
            for file in found {
                self.cut(open(&file)?, &file)?;
            }
        }
        Ok(())
    }

    fn cut(&mut self, mut reader: impl Read, path: &Path) -> Result<(), Failure> {
        let path: Arc<Path> = path.into();
        let (mut line, mut bytes) = (1, Vec::<u8>::new());
        // What comes after a line that is none does not matter.
        while !self.failed.load(Ordering::Relaxed) {
            let known = bytes.len();
            bytes.reserve(self.part_bytes);
            let read = (&mut reader).take(self.part_bytes as u64).read_to_end(&mut bytes);
            let is_end = matches!(read, Ok(0));
            let end = bytes[known..].iter().rposition(|byte| *byte == b'\n').map(|place| known + place + 1);
            let end = if is_end { Some(bytes.len()) } else { end };
            if let Some(end) = end.filter(|end| *end > 0) {
                let rest = bytes.split_off(end);
                let bytes = std::mem::replace(&mut bytes, rest);
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
                let text = Text { number: self.number, path: path.clone(), first_line: line, bytes };
                (self.number, line) = (self.number + 1, line + lines);
                // The threads end when this end does.
                let _ = self.texts.send(text);
            }
            read.map_err(|error| unreadable(&path, line, error))?;
            if is_end {
                break;
            }
        }
        Ok(())
    }
}

fn unreadable(path: &Path, line: usize, error: io::Error) -> Failure {
    Failure::new(Exit::Input, format!("cannot read {} at line {line}", path.display()))
        .because(error)
        .hint("the file is damaged or breaks off there: pack or fetch it again")
}

fn parse<P: Default>(text: &Text, judge: &impl Judge<P>) -> Result<P, Failure> {
    let mut part = P::default();
    let (good, is_whole) = match std::str::from_utf8(&text.bytes) {
        Ok(good) => (good, true),
        Err(error) => {
            let good = &text.bytes[..error.valid_up_to()];
            let end = good.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
            (std::str::from_utf8(&good[..end]).unwrap_or_default(), false)
        }
    };
    let mut number = text.first_line;
    for line in good.split_inclusive('\n') {
        // Some editors and shells begin a file with a byte order mark.
        let line = line.trim_start_matches('\u{feff}').trim();
        if !line.is_empty() {
            judge(Line { path: &text.path, number, text: line, read: json::read(line) }, &mut part)?;
        }
        number += 1;
    }
    if is_whole {
        return Ok(part);
    }
    let error = io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8");
    Err(unreadable(&text.path, number, error))
}

#[cfg(test)]
mod tests {
    use bellwether_wire::envelope::Event;

    use super::*;

    fn line(id: usize) -> String {
        format!(
            r#"{{"id":"{id}","source":"s","type":"page.notified","time":"2026-01-05T00:00:00Z","data":{{}}}}"#
        )
    }

    fn ids(threads: usize, part_bytes: usize, path: &Path) -> Result<Vec<String>, String> {
        let judge = |line: Line<'_>, events: &mut Vec<Event>| {
            events.push(line.event()?);
            Ok(())
        };
        let parts = read_with(threads, part_bytes, &[path.to_owned()], &judge);
        let ids = |parts: Vec<Vec<Event>>| parts.into_iter().flatten().map(|event| event.id.id).collect();
        parts.map(ids).map_err(|failure| failure.to_string())
    }

    #[test]
    fn lines_come_in_the_order_of_the_file_for_any_number_of_threads_and_size_of_parts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.jsonl");
        let lines: Vec<String> = (0..300).map(line).collect();
        // An empty line, spaces, a line end of another system, none at the end.
        std::fs::write(&path, format!("\n  {}", lines.join("\r\n"))).expect("written");
        let expected: Vec<String> = (0..300).map(|id| id.to_string()).collect();
        for (threads, part_bytes) in [(1, 1), (2, 7), (3, 100), (8, 4_096), (2, PART_BYTES)] {
            assert_eq!(ids(threads, part_bytes, &path), Ok(expected.clone()), "{threads} {part_bytes}");
        }
    }

    #[test]
    fn the_first_line_that_is_no_event_is_named_whatever_lies_behind_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.jsonl");
        let mut lines: Vec<Vec<u8>> = (0..200).map(|id| line(id).into_bytes()).collect();
        lines[150] = b"{\"id\":\"\xff\"}".to_vec();
        let told = |lines: &[Vec<u8>], expected: &str| {
            std::fs::write(&path, lines.join(&b'\n')).expect("written");
            for (threads, part_bytes) in [(1, 1), (2, 64), (8, 512), (2, PART_BYTES)] {
                let told = ids(threads, part_bytes, &path).expect_err("it is refused");
                assert!(told.contains(expected), "{threads} {part_bytes}: {told}");
            }
        };
        told(&lines, "events.jsonl at line 151");
        lines[170] = b"{".to_vec();
        told(&lines, "events.jsonl at line 151");
        lines[120] = b"{}".to_vec();
        told(&lines, "events.jsonl:121 is no event");
    }
}
