//! Where the events of an import go: onto the log, into a file, or to standard output.
//!
//! Invariant: a file that was there stays as it was when nothing could be read.

use std::io::{BufWriter, Stdout, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_connectors::ImportReport;
use bellwether_log::EventLog;
use bellwether_wire::{Event, json};

use super::super::publish;
use crate::client;
use crate::config::Config;
use crate::failure::{Advice as _, Context as _, Exit, Failure};
use crate::format::{self, Pipe};
use crate::replacement::Replacement;
use crate::topic_set::TopicSet;

/// What to do about a file that cannot be written.
const WRITABLE: &str =
    "name a file in a folder that exists and that you may write to, or - for standard output";

/// Where the events go.
#[derive(Debug)]
pub(super) enum Target {
    Log(Arc<dyn EventLog>, TopicSet),
    File(Replacement, PathBuf),
    Output(BufWriter<Pipe<Stdout>>),
}

impl Target {
    /// A file, or `-` for standard output.
    pub(super) fn file(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self::Output(format::output()));
        }
        let begun = Replacement::begin(path).or_fail(Exit::Input, || cannot_write(path)).to_do(WRITABLE)?;
        Ok(Self::File(begun, path.to_owned()))
    }

    /// The log of the configuration.
    pub(super) fn log(config: &Config) -> Result<Self, Failure> {
        let hint = "name a log with --bootstrap-servers, or write the events to a file with --to FILE";
        let servers = client::bootstrap(config).to_do(hint)?;
        let log = client::connect(config, &servers)?;
        let topics = TopicSet::configured(config);
        topics.require(log.as_ref())?;
        Ok(Self::Log(log, topics))
    }

    /// True when standard output is taken by the events.
    pub(super) fn is_output(&self) -> bool {
        matches!(self, Self::Output(_))
    }

    /// Takes events.
    pub(super) fn take(&mut self, events: &[Event]) -> Result<(), Failure> {
        match self {
            Self::Log(log, topics) => publish::publish(log.as_ref(), topics, events).map(drop),
            Self::File(file, path) => {
                let written = events.iter().try_for_each(|event| writeln!(file, "{}", json::write(event)));
                written.or_fail(Exit::Input, || cannot_write(path)).to_do(WRITABLE)
            }
            Self::Output(out) => {
                let written = events.iter().try_for_each(|event| writeln!(out, "{}", json::write(event)));
                written.map_err(format::unwritable)
            }
        }
    }

    /// Ends it; returns what is to be said beside the report.
    pub(super) fn finish(self, report: &ImportReport) -> Result<Option<String>, Failure> {
        match self {
            Self::Log(..) => Ok(None),
            Self::File(_, path) if report.event_count() == 0 && report.exit_nonzero() => {
                Ok(Some(format!("note: nothing could be read; {} is as it was", path.display())))
            }
            Self::File(file, path) => {
                file.keep().or_fail(Exit::Input, || cannot_write(&path)).to_do(WRITABLE)?;
                Ok(None)
            }
            Self::Output(mut out) => {
                out.flush().map_err(format::unwritable)?;
                Ok(None)
            }
        }
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}
