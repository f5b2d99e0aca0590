//! A file that is written anew: beside its place, until it is whole.
//!
//! Invariants: a file that was there is what it was until [`Replacement::keep`], and stays so when that is never
//! called; nothing is left beside it but by a kill. What is no regular file - a pipe, a terminal, `/dev/null` - is
//! written to as it is, for nothing can be put in its place.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file on its way.
#[derive(Debug)]
pub(crate) struct Replacement {
    file: BufWriter<File>,
    beside: Option<Beside>,
}

/// Where the file is, and where it is to be.
#[derive(Debug)]
struct Beside {
    path: PathBuf,
    place: PathBuf,
    is_kept: bool,
}

impl Replacement {
    /// Begins to write what a path will hold.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        let known = fs::metadata(path).ok();
        if known.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if known.as_ref().is_some_and(|known| !known.is_file()) {
            let file = File::options().write(true).open(path)?;
            return Ok(Self { file: BufWriter::new(file), beside: None });
        }
        // A link stays a link: what it points to is written anew.
        let place = if known.is_some() { path.canonicalize()? } else { path.to_owned() };
        let Some(name) = place.file_name() else { return Err(io::ErrorKind::InvalidFilename.into()) };
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.part", std::process::id()));
        let beside = place.with_file_name(hidden);
        let file = File::create(&beside)?;
        let beside = Beside { path: beside, place, is_kept: false };
        if let Some(known) = known {
            file.set_permissions(known.permissions())?;
        }
        Ok(Self { file: BufWriter::new(file), beside: Some(beside) })
    }

    /// Puts what was written in its place.
    ///
    /// # Errors
    /// When it cannot be written to the end, or not be put there.
    pub(crate) fn keep(mut self) -> io::Result<()> {
        self.file.flush()?;
        if let Some(beside) = &mut self.beside {
            fs::rename(&beside.path, &beside.place)?;
            beside.is_kept = true;
        }
        Ok(())
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.is_kept {
            // Best effort: nobody waits for it, and its name says what it is.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_was_there_stays_until_the_new_is_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.jsonl");
        fs::write(&path, "old").expect("written");
        let mut abandoned = Replacement::begin(&path).expect("begun");
        abandoned.write_all(b"half").expect("written");
        drop(abandoned);
        assert_eq!(fs::read_to_string(&path).expect("there"), "old");
        let mut whole = Replacement::begin(&path).expect("begun");
        whole.write_all(b"new").expect("written");
        whole.keep().expect("kept");
        assert_eq!(fs::read_to_string(&path).expect("there"), "new");
        assert_eq!(names(folder.path()), ["events.jsonl"]);
    }

    #[test]
    fn a_link_stays_a_link_and_a_device_is_written_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        let mut whole = Replacement::begin(&link).expect("begun");
        whole.write_all(b"new").expect("written");
        whole.keep().expect("kept");
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file).expect("there"), "new");
        Replacement::begin(Path::new("/dev/null")).and_then(Replacement::keep).expect("a device");
    }
}
