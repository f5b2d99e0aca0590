//! Whether saved segment states can be trusted at start. They can after a clean stop, after a mere crash of the
//! process, when the operating system still holds every byte, and when records were forced to the disk before the states
//! that vouch for them. After a power failure under [`Durability::Never`] the newest bytes may be missing although a state
//! file covers them.
//!
//! The file `session` names the boot of the operating system under which the broker runs, or says `clean` or `synced`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::log::replace_file;
use crate::options::Durability;

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const CLEAN: &str = "clean";
const SYNCED: &str = "synced";

fn path(dir: &Path) -> PathBuf {
    dir.join("session")
}

/// Notes the start and tells whether states can be trusted.
pub(crate) fn begin(dir: &Path, durability: Durability) -> Result<bool, Error> {
    let boot = fs::read_to_string(BOOT_ID).unwrap_or_default();
    let last = fs::read_to_string(path(dir)).unwrap_or_default();
    let trusted = last == CLEAN || last == SYNCED || (!boot.is_empty() && last == boot);
    write(dir, if durability == Durability::Never { &boot } else { SYNCED })?;
    Ok(trusted)
}

/// Notes a clean stop.
pub(crate) fn end(dir: &Path) -> Result<(), Error> {
    write(dir, CLEAN)
}

fn write(dir: &Path, text: &str) -> Result<(), Error> {
    let path = path(dir);
    replace_file(&path, text.as_bytes(), true).map_err(Error::folder("write", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_trusted_within_a_boot_and_after_a_clean_stop() {
        let dir = tempfile::TempDir::new().unwrap();
        let begin = |dir: &Path| begin(dir, Durability::Never);
        assert!(!begin(dir.path()).unwrap(), "a first start has nothing to trust");
        let known_boot = Path::new(BOOT_ID).exists();
        assert_eq!(begin(dir.path()).unwrap(), known_boot);
        fs::write(path(dir.path()), "another boot").unwrap();
        assert!(!begin(dir.path()).unwrap());
        end(dir.path()).unwrap();
        assert!(begin(dir.path()).unwrap());
        super::begin(dir.path(), Durability::OnCommit).unwrap();
        assert!(begin(dir.path()).unwrap(), "states of a syncing session never run ahead of the records");
    }
}
