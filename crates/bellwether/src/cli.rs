//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};

use crate::config::flag::Flag;
use crate::format::Format;

/// What a newcomer reads last.
const BEGIN: &str = "\
Begin with `bellwether demo`, or with `bellwether audit EXPORTS/` on what your trackers export; then `bellwether up`.

Exit codes: 0 done, 1 done and something to report, 2 command line, configuration or a taken address, 3 a file, \
4 the log or a role, 5 a defect";

/// Watches the rhythm of progress on engineering key results, fires triggers when a threshold is going to break, and
/// routes them upwards on a clock until somebody resolves them.
#[derive(Debug, Parser)]
#[command(name = "bellwether", version, propagate_version = true, after_help = BEGIN)]
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
    /// Configuration file, TOML; `bellwether config print` shows every setting
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Brokers of the log: `up` and `demo` run an embedded one without it, whatever else reads or writes the log needs it
    #[arg(long, global = true, value_name = "HOST:PORT,...")]
    pub bootstrap_servers: Option<String>,
    /// First part of every topic name, group and transactional id [default: bellwether]
    #[arg(long, global = true, value_name = "NAME")]
    pub prefix: Option<String>,
    /// Data folder: embedded broker, snapshots, keys [default: ./bellwether-data]
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

/// An address to listen on.
///
/// # Errors
/// When it is none: a name could stand for several.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "not an IP address and a port, such as 127.0.0.1:9092 or [::1]:9092".to_owned())
}

/// Commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run every role in one process, on the embedded broker unless a cluster is named
    Up(Up),
    /// Watch a generated quarter of a 12-squad organisation fire and escalate, in under a minute
    Demo(Demo),
    /// Fold events from files in virtual time: triggers, assessments and steps out, on no broker
    Replay(Replay),
    /// Report the last sprints and the on-call load from raw exports of Jira, Linear, PagerDuty, GitHub and GitLab, on no broker
    Audit(Audit),
    /// Publish the events of raw exports of Jira, Linear, PagerDuty, GitHub and GitLab, or write them to a file
    Import(Import),
    /// Publish events from JSON Lines: reference data, check-ins, dependencies, commands; not what Bellwether itself says
    Publish(Publish),
    /// Receive webhooks of the sources of the table `connect` in the configuration; a role of `up` on its own
    Connect(Connect),
    /// Turn events into facts of squads; a role of `up` on its own
    Route(Alone),
    /// Fold facts into triggers and assessments; a role of `up` on its own
    Process(Alone),
    /// Turn triggers into timed steps; a role of `up` on its own
    Escalate(Alone),
    /// Deliver steps to people, by the channels of the table `notify` in the configuration; a role of `up` on its own
    Notify(Alone),
    /// Run the embedded broker alone: for a laptop, a small site and tests
    Broker(Broker),
    /// Plan, make, check and read the topics of the log
    #[command(subcommand)]
    Topics(Topics),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Say what is unresolved, stale, lagging or misconfigured, and what to do about it; exits with 1 when there is something
    Doctor(Doctor),
    /// Print a completion script: bellwether completions bash > ~/.local/share/bash-completion/completions/bellwether
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
}

/// `up`.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Address of the embedded broker [default: 127.0.0.1:9092]
    #[arg(long, value_name = "IP:PORT", value_parser = address)]
    pub listen: Option<SocketAddr>,
    /// Address of metrics, health and webhooks [default: 127.0.0.1:8080]
    #[arg(long, value_name = "IP:PORT", value_parser = address)]
    pub http: Option<SocketAddr>,
}

/// A role as a process of its own.
#[derive(Debug, Args)]
pub(crate) struct Alone {
    /// Address of metrics, health and, for connect, webhooks; each role on a machine needs its own [default: 127.0.0.1:8080]
    #[arg(long, value_name = "IP:PORT", value_parser = address)]
    pub http: Option<SocketAddr>,
}

/// `connect`.
#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// What every role has.
    #[command(flatten)]
    pub alone: Alone,
    /// Write what the log took to the end of this file as well, as JSON Lines: `replay` reads it
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
}

/// `demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Seed of the generated quarter
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Write the triggers and steps as JSON Lines to this file as well, to compare with `replay --against`
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write the generated events as JSON Lines to this file and run nothing: `replay` reads them
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
}

/// `replay`.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Files or folders of events as JSON Lines, plain, gzip or zstd; - for standard input
    #[arg(value_name = "EVENTS")]
    pub events: Vec<PathBuf>,
    /// One more file or folder of events, usually the organisation's reference data; may be repeated
    #[arg(long, value_name = "FILE")]
    pub org: Vec<PathBuf>,
    /// Read the source topics and the commands of the brokers named by --bootstrap-servers, beside any files
    #[arg(long)]
    pub from_topics: bool,
    /// Let time pass up to and including this instant, such as 2026-03-31T22:00:00Z; without it up to the last event, and
    /// what falls due later is not judged
    #[arg(long, value_name = "INSTANT")]
    pub until: Option<String>,
    /// Change a threshold: what if it had been so? `bellwether config print --thresholds` lists the keys; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print the differences to what another replay wrote instead; exits with 1 when there are any
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Key of trigger ids, 64 hexadecimal digits, such as a live run keeps in its data folder; zeros unless given
    #[arg(long, value_name = "HEX")]
    pub id_key: Option<String>,
    /// Key of pseudonyms, 64 hexadecimal digits, such as a live run keeps in its data folder; zeros unless given
    #[arg(long, value_name = "HEX")]
    pub pseudonym_key: Option<String>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub format: Format,
}

/// `audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Files or folders of raw API responses, whatever they are called; docs/guides/import.md says what to fetch
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Show the names of people instead of pseudonyms
    #[arg(long)]
    pub names: bool,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = AuditFormat::Table)]
    pub format: AuditFormat,
}

/// Form of an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum AuditFormat {
    /// One JSON object
    Json,
    /// For a terminal
    Table,
    /// For a document
    Markdown,
    /// One page with charts that fetches nothing: for a browser
    Html,
}

/// `import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Files or folders of raw API responses and webhook bodies, whatever they are called; - for standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write the events as JSON Lines to this file instead of publishing them; - for standard output, with the report on
    /// standard error
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Also infer people, squads and memberships from users, boards and teams
    #[arg(long)]
    pub infer_reference: bool,
    /// Say of every source read that this is all of it up to an instant, that at which the export was begun, such as
    /// 2026-03-01T08:00:00Z
    #[arg(long, value_name = "INSTANT")]
    pub complete_through: Option<String>,
    /// Jira site, where the payloads do not tell
    #[arg(long, value_name = "SITE", value_parser = NonEmptyStringValueParser::new())]
    pub jira_site: Option<String>,
    /// Linear workspace, where the payloads do not tell
    #[arg(long, value_name = "WORKSPACE", value_parser = NonEmptyStringValueParser::new())]
    pub linear_workspace: Option<String>,
    /// PagerDuty account, where the payloads do not tell
    #[arg(long, value_name = "ACCOUNT", value_parser = NonEmptyStringValueParser::new())]
    pub pagerduty_account: Option<String>,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// `publish`.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// Files or folders of events as JSON Lines, plain, gzip or zstd; - for standard input
    #[arg(required = true, value_name = "EVENTS")]
    pub events: Vec<PathBuf>,
    /// Leave out fields and words of `data` that this version does not have, as a newer version may have written them,
    /// instead of refusing their events
    #[arg(long)]
    pub allow_unknown: bool,
    /// Form of what is said of each topic
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// `broker`.
#[derive(Debug, Args)]
pub(crate) struct Broker {
    /// Address to listen on [default: 127.0.0.1:9092]
    #[arg(long, value_name = "IP:PORT", value_parser = address)]
    pub listen: Option<SocketAddr>,
}

/// `topics`.
#[derive(Debug, Subcommand)]
pub(crate) enum Topics {
    /// Show the topics there are to be, without looking at a log
    Plan {
        /// Form of the output
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Make the topics that are missing; changes none that is there
    Apply,
    /// Compare what is with what must be; exits with 1 when something differs
    Check {
        /// Form of the output
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Print what a topic holds as JSON Lines, up to its end now
    Read {
        /// sprint, ticket, page, delivery, okr, reference, facts, trigger, key-result, command, escalation,
        /// escalation.delay, receipt or dlq
        topic: String,
    },
}

/// `config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the whole configuration and list everything that is wrong with it
    Check,
    /// Print every setting with its default and a comment, or what is in force
    Print {
        /// Print the values in force - defaults, file, environment, flags - as TOML, or as JSON with --format json
        #[arg(long)]
        effective: bool,
        /// Print every threshold with value, unit, provenance and meaning
        #[arg(long)]
        thresholds: bool,
        /// Form of what --thresholds or --effective prints
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::config::Config;

    /// The long help of a command and of all below it, by name.
    fn help(command: &mut clap::Command, above: &str, found: &mut Vec<(String, String)>) {
        let name = format!("{above} {}", command.get_name());
        let text = command.render_long_help().to_string();
        let plain: Vec<&str> = text.split_whitespace().collect();
        found.push((name.clone(), plain.join(" ")));
        command.get_subcommands_mut().for_each(|below| help(below, &name, found));
    }

    #[test]
    fn every_command_and_every_option_says_what_it_is() {
        fn look(command: &clap::Command) {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name}");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{name} {}", argument.get_id());
            }
            command.get_subcommands().for_each(look);
        }
        Cli::command().debug_assert();
        look(&Cli::command());
    }

    #[test]
    fn an_address_that_is_none_is_told_with_one_that_is() {
        let told = |line: &[&str]| {
            let line = ["bellwether"].iter().chain(line);
            Cli::try_parse_from(line).expect_err("refused").to_string()
        };
        for line in [["up", "--listen", "localhost:9092"], ["route", "--http", "127.0.0.1"]] {
            assert!(told(&line).contains("such as 127.0.0.1:9092"), "{line:?}");
        }
        assert!(told(&["import", "x", "--jira-site="]).contains("--jira-site"));
    }

    #[test]
    fn the_help_names_the_defaults_of_the_configuration() {
        let config = Config::load(None, &[]).expect("defaults");
        let mut texts = Vec::new();
        help(&mut Cli::command(), "", &mut texts);
        let text = |name: &str| &texts.iter().find(|(known, _)| known == name).expect("a command").1;
        for role in ["up", "connect", "route", "process", "escalate", "notify"] {
            let default = format!("[default: {}]", config.http.listen);
            assert!(text(&format!(" bellwether {role}")).contains(&default), "{role}");
        }
        for command in ["up", "broker"] {
            let default = format!("[default: {}]", config.broker.listen);
            assert!(text(&format!(" bellwether {command}")).contains(&default), "{command}");
        }
        let dir = format!("[default: {}]", config.dir.display());
        assert!(text(" bellwether").contains(&dir), "{}", text(" bellwether"));
        let prefix = format!("[default: {}]", config.kafka.prefix);
        assert!(text(" bellwether").contains(&prefix), "{}", text(" bellwether"));
    }
}
