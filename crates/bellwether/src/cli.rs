//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::flag::Flag;
use crate::format::Format;

/// Watches the rhythm of progress on engineering key results, fires triggers when a threshold is going to break, and
/// routes them upwards on a clock until somebody resolves them.
#[derive(Debug, Parser)]
#[command(name = "bellwether", version, propagate_version = true)]
pub(crate) struct Cli {
    /// Settings that apply to every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Settings that apply to every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Configuration file; see `bellwether config print`
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Brokers to use instead of the embedded one
    #[arg(long, global = true, value_name = "HOST:PORT,...")]
    pub bootstrap_servers: Option<String>,
    /// First part of every topic name, group and transactional id
    #[arg(long, global = true, value_name = "NAME")]
    pub prefix: Option<String>,
    /// Data folder: embedded broker, snapshots, keys
    #[arg(long, global = true, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

impl Global {
    /// The flags that are settings.
    pub(crate) fn settings(&self) -> Vec<Flag> {
        let dir = self.dir.as_ref().map(|dir| dir.display().to_string());
        let flags = [
            ("--bootstrap-servers", "kafka.bootstrap-servers", self.bootstrap_servers.clone()),
            ("--prefix", "kafka.prefix", self.prefix.clone()),
            ("--dir", "dir", dir),
        ];
        flags.into_iter().filter_map(|(flag, key, value)| Some(Flag { flag, key, value: value? })).collect()
    }
}

/// Commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run every role in one process, on the embedded broker unless a cluster is named
    Up(Up),
    /// Watch a generated quarter of a 12-squad organisation fire and escalate, in under a minute
    Demo(Demo),
    /// Fold events from files in virtual time: triggers and steps out
    Replay(Replay),
    /// Report the last sprints and the on-call load from raw exports
    Audit(Audit),
    /// Load raw exports of Jira, Linear and PagerDuty
    Import(Import),
    /// Publish events from JSON Lines: reference data, commands, anything of the catalogue
    Publish(Publish),
    /// Receive webhooks
    Connect(Alone),
    /// Turn events into facts of squads
    Route(Alone),
    /// Fold facts into triggers and assessments
    Process(Alone),
    /// Turn triggers into timed steps
    Escalate(Alone),
    /// Deliver steps to people
    Notify(Alone),
    /// Run the embedded broker alone
    Broker(Broker),
    /// Plan, make, check and read topics
    #[command(subcommand)]
    Topics(Topics),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Say what is unresolved, stale, lagging or misconfigured, and what to do about it
    Doctor(Doctor),
    /// Print a completion script
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
}

/// `up`.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Address of the embedded broker
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Address of metrics, health and webhooks
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
}

/// A role as a process of its own.
#[derive(Debug, Args)]
pub(crate) struct Alone {
    /// Address of metrics, health and, for connect, webhooks; each role on a machine needs its own
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
}

/// `demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Seed of the generated quarter
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Write the triggers and steps as JSON Lines to this file as well
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write the generated events as JSON Lines to this file and stop: they can be replayed
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
}

/// `replay`.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Files or folders of JSON Lines, plain, gzip or zstd; - for standard input
    #[arg(value_name = "EVENTS")]
    pub events: Vec<PathBuf>,
    /// More events, usually the organisation's reference data
    #[arg(long, value_name = "FILE")]
    pub org: Vec<PathBuf>,
    /// Read the source topics of a broker instead of files
    #[arg(long)]
    pub from_topics: bool,
    /// Let time pass up to and including this instant; the last event's by default
    #[arg(long, value_name = "INSTANT")]
    pub until: Option<String>,
    /// Change a threshold: what if it had been so?
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print only the differences to the output of another replay
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Key of trigger ids, 64 hexadecimal digits; zeros unless given
    #[arg(long, value_name = "HEX")]
    pub id_key: Option<String>,
    /// Key of pseudonyms, 64 hexadecimal digits; zeros unless given
    #[arg(long, value_name = "HEX")]
    pub pseudonym_key: Option<String>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub format: Format,
}

/// `audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Folder or files of raw exports
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Show names instead of pseudonyms
    #[arg(long)]
    pub names: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// `import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Files or folders of raw API responses and webhook bodies
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write the events as JSON Lines to this file instead of publishing them; - for standard output
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Also infer people, squads and memberships from users, boards and teams
    #[arg(long)]
    pub infer_reference: bool,
    /// Say of every source read that this is all of it up to an instant: when the export was taken (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub complete_through: Option<String>,
    /// Jira site, where the payloads do not tell
    #[arg(long, value_name = "SITE")]
    pub jira_site: Option<String>,
    /// Linear workspace, where the payloads do not tell
    #[arg(long, value_name = "WORKSPACE")]
    pub linear_workspace: Option<String>,
    /// PagerDuty account, where the payloads do not tell
    #[arg(long, value_name = "ACCOUNT")]
    pub pagerduty_account: Option<String>,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// `publish`.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// Files or folders of JSON Lines; - for standard input
    #[arg(required = true, value_name = "EVENTS")]
    pub events: Vec<PathBuf>,
}

/// `broker`.
#[derive(Debug, Args)]
pub(crate) struct Broker {
    /// Address
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
}

/// `topics`.
#[derive(Debug, Subcommand)]
pub(crate) enum Topics {
    /// Show what would be made
    Plan {
        /// Form of the output
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Make what is missing
    Apply,
    /// Compare what is with what must be
    Check {
        /// Form of the output
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Print what a topic holds as JSON Lines
    Read {
        /// sprint, ticket, page, delivery, okr, reference, facts, trigger, key-result, command, escalation,
        /// escalation.delay, receipt or dlq
        topic: String,
    },
}

/// `config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the configuration
    Check,
    /// Print every setting with its comment, or what is in force
    Print {
        /// Print the values in force instead of the commented defaults
        #[arg(long)]
        effective: bool,
        /// Print every threshold with value, unit, provenance and meaning
        #[arg(long)]
        thresholds: bool,
        /// Form of the thresholds; of the values in force json, else TOML
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
}

/// `doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}
