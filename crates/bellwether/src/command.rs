//! The commands: one file each.

mod audit;
mod broker;
pub(crate) mod config;
mod connect;
mod demo;
mod doctor;
mod import;
mod publish;
mod replay;
mod role;
mod topics;
mod up;

use std::io::Write as _;
use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::{Alone, Cli, Command, Global};
use crate::config::Config;
use crate::failure::Failure;
use crate::format;
use crate::host::Role;

pub(crate) use topics::read_all;

/// Runs a command.
///
/// # Errors
/// When it fails; the failure has the exit code.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let config = load(&cli.global)?;
    match cli.command {
        Command::Up(up) => up::run(config, &up),
        Command::Replay(replay) => replay::run(&config, &replay),
        Command::Publish(publish) => publish::run(&config, &publish),
        Command::Broker(broker) => broker::run(&config, &broker),
        Command::Topics(topics) => topics::run(&config, topics),
        Command::Config(command) => config::run(&cli.global, &config, &command),
        Command::Completions { shell } => completions(shell),
        Command::Route(alone) => role::run(alone.applied(config), Role::Route),
        Command::Process(alone) => role::run(alone.applied(config), Role::Process),
        Command::Escalate(alone) => role::run(alone.applied(config), Role::Escalate),
        Command::Import(import) => import::run(&config, &import),
        Command::Connect(edge) => {
            let record = edge.record.as_deref();
            connect::run(&edge.alone.applied(config), connect::Edge::Connect { record })
        }
        Command::Notify(alone) => connect::run(&alone.applied(config), connect::Edge::Notify),
        Command::Doctor(doctor) => doctor::run(&config, &doctor),
        Command::Demo(demo) => demo::run(&config, &demo),
        Command::Audit(audit) => audit::run(&config, &audit),
    }
}

/// Prints a completion script. It is made first: the generator panics when it cannot write.
fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "bellwether", &mut script);
    let mut out = format::output();
    out.write_all(&script).and_then(|()| out.flush()).map_err(format::unwritable)?;
    Ok(ExitCode::SUCCESS)
}

impl Alone {
    /// The configuration with what the flags say.
    fn applied(&self, mut config: Config) -> Config {
        if let Some(http) = self.http {
            config.http.listen = http;
        }
        config
    }
}

/// Defaults, file, environment, flags.
fn load(global: &Global) -> Result<Config, Failure> {
    Config::load(global.config.as_deref(), &global.settings())
}
