//! The bellwether binary: configuration, roles and commands.
//!
//! One subcommand per role and per task; `up` hosts all roles in one process. Every command ends with a documented
//! exit code and, when it fails, says what, why and what to do.

mod audit;
mod cli;
mod client;
mod command;
mod config;
mod demo;
#[cfg(test)]
mod deployed;
mod failure;
mod format;
mod host;
mod http;
mod keys;
mod ready;
mod record;
mod replacement;
mod replay;
mod roles;
mod telemetry;
mod topic_set;

use std::process::ExitCode;

use clap::Parser as _;

/// A fold makes and drops many small texts: with the system's allocator a third of its time went there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match command::run(cli) {
        Ok(code) => code,
        Err(failure) => {
            format::tell(&failure.to_string());
            ExitCode::from(failure.exit as u8)
        }
    }
}
