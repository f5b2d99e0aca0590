//! Whether saved segment states can be trusted at start. They can after a clean stop, and after a mere crash of
//! the process, when the operating system still holds every byte. After a power failure the newest bytes may be
//! missing although a state file vouches for them.
//!
//! The file `session` names the boot of the operating system under which the broker runs, or says `clean`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::log::replace_file;

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const CLEAN: &str = "clean";

fn path(dir: &Path) -> PathBuf {
    dir.join("session")
}

/// Notes the start and tells whether states can be trusted.
pub(crate) fn begin(dir: &Path) -> Result<bool, Error> {
    let boot = fs::read_to_string(BOOT_ID).unwrap_or_default();
    let last = fs::read_to_string(path(dir)).unwrap_or_default();
    let trusted = last == CLEAN || (!boot.is_empty() && last == boot);
    write(dir, &boot)?;
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
        assert!(!begin(dir.path()).unwrap(), "a first start has nothing to trust");
        let known_boot = Path::new(BOOT_ID).exists();
        assert_eq!(begin(dir.path()).unwrap(), known_boot);
        fs::write(path(dir.path()), "another boot").unwrap();
        assert!(!begin(dir.path()).unwrap());
        end(dir.path()).unwrap();
        assert!(begin(dir.path()).unwrap());
    }
}
