//! What can stop the broker from starting or stopping. Faults of single requests are protocol error codes and never
//! surface here.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the broker could not start, or could not stop cleanly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}; choose another address or stop the process that holds it")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A second process, or a second broker in this one, holds the folder.
    #[error("the broker folder {} is in use by another process; stop it or choose another folder", path.display())]
    FolderInUse {
        /// The folder.
        path: PathBuf,
    },
    /// The folder cannot be created, read or written: permissions, a full disk, a missing mount.
    #[error("cannot {action} {}; the folder must be writable and its disk must have room", path.display())]
    Folder {
        /// What was attempted.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file was written by something else, or by a newer version.
    #[error("{} is not a file of this broker: {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// Turns an I/O error into one that names the action and the path.
    pub(crate) fn folder(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::Folder { action, path, source }
    }
}
