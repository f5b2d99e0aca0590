//! The `bellwether` program as its users meet it: processes that are started, asked, killed and started again.
//!
//! What it is: handles of processes, and the log seen from outside while they run. What it is not: a way into their
//! insides; all that is known of them is what they print, serve and write to the log.
//!
//! Invariants: a process is signalled by its own id alone and is gone when its handle is; every wait has a deadline; the
//! settings of the surroundings do not reach a process, only those it is given.

mod outside;
mod process;
mod program;
mod settings;

pub use outside::{Outside, Said, unlike};
pub use process::{Printed, Process, broker, launch, run, up};
pub use program::on_path;
pub use settings::Settings;
