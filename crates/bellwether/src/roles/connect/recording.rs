//! What webhooks brought, as JSON Lines beside the log: a file that `replay` reads (`connect --record`).
//!
//! Invariants: an event is written once the log has it and before its sender is told so; every line is whole, because
//! what a killed process left of one is cut off when the file is opened again. It is a copy: when it cannot be written,
//! the receiver goes on, and says so.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use bellwether_wire::{Event, json};

/// Read at once while the last line feed is looked for.
const BLOCK: u64 = 64 * 1024;

/// The file, open at its end.
#[derive(Debug)]
pub(crate) struct Recording {
    path: PathBuf,
    file: File,
    /// Events that are not in the file because it could not be written.
    missing: u64,
}

impl Recording {
    /// Opens a file to go on with, or makes it.
    ///
    /// # Errors
    /// When it cannot be written to.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::options().create(true).read(true).append(true).open(path)?;
        if file.metadata()?.is_file() {
            cut_torn_line(&mut file)?;
        }
        Ok(Self { path: path.to_owned(), file, missing: 0 })
    }

    /// Writes events, each a line.
    pub(crate) fn write<'a>(&mut self, events: impl Iterator<Item = &'a Event>) {
        let (mut lines, mut count) = (String::new(), 0);
        for event in events {
            lines.push_str(&json::write(event));
            lines.push('\n');
            count += 1;
        }
        let written = self.write_whole(lines.as_bytes());
        let path = self.path.display();
        match written {
            Ok(()) if self.missing > 0 => {
                tracing::warn!(%path, missing = self.missing, "the recording goes on; what is missing is in the log");
                self.missing = 0;
            }
            Ok(()) => {}
            Err(error) => {
                if self.missing == 0 {
                    tracing::error!(%path, %error, "cannot write the recording; webhooks go on to the log alone");
                }
                self.missing += count;
            }
        }
    }

    /// Writes all of it or nothing, as far as the file lets itself be cut.
    fn write_whole(&mut self, lines: &[u8]) -> io::Result<()> {
        let before = self.file.metadata()?.len();
        let written = self.file.write_all(lines);
        if written.is_err() {
            // What cannot be cut now is cut by the next start.
            let _ = self.file.set_len(before);
        }
        written
    }
}

/// Leaves nothing behind the last line feed.
fn cut_torn_line(file: &mut File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let mut block = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        Read::by_ref(file).take(end - start).read_to_end(&mut block)?;
        if let Some(place) = block.iter().rposition(|byte| *byte == b'\n') {
            end = start + place as u64 + 1;
            break;
        }
        end = start;
    }
    if end < length { file.set_len(end) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use bellwether_model::EventTime;
    use bellwether_wire::pb;

    use super::*;

    fn event(id: &str) -> Event {
        let page = pb::PageNotified { incident: "i".repeat(100), ..Default::default() };
        Event::new("pagerduty://acme", id, EventTime::from_ms(0), page)
    }

    fn ids(path: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(path).expect("a recording");
        text.lines().map(|line| json::read(line).expect("a whole line").id.id).collect()
    }

    #[test]
    fn a_recording_goes_on_behind_its_last_whole_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("received.jsonl");
        Recording::open(&path).expect("made").write([event("1"), event("2")].iter());
        // A process was killed while it wrote; the block that is looked at does not hold the whole of it.
        let torn = format!("{}{}", &json::write(&event("3"))[..50], "x".repeat(2 * 64 * 1024));
        let mut file = File::options().append(true).open(&path).expect("it is there");
        file.write_all(torn.as_bytes()).expect("torn");
        Recording::open(&path).expect("opened").write([event("4")].iter());
        assert_eq!(ids(&path), ["1", "2", "4"]);
    }

    #[test]
    fn a_file_that_is_nothing_but_a_torn_line_is_emptied() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("received.jsonl");
        std::fs::write(&path, "{\"id\":").expect("torn");
        Recording::open(&path).expect("opened");
        assert_eq!(std::fs::read(&path).expect("a file"), b"");
    }

    #[test]
    fn a_recording_on_a_full_disk_stops_nobody() {
        let mut recording = Recording::open(Path::new("/dev/full")).expect("opened");
        recording.write([event("1"), event("2")].iter());
        recording.write([event("3")].iter());
        assert_eq!(recording.missing, 3);
    }
}
