//! `cargo xtask`: development tasks that need more than one cargo command.
//!
//! What it is: a small program with one dependency, so that it is built in seconds on a clean checkout. What it is
//! not: part of the product; nothing depends on it, and it never touches anything outside `target/xtask`.

#![allow(clippy::print_stdout, reason = "a command line tool answers on standard output")]

mod kafka;
mod paths;

use std::process::ExitCode;

use anyhow::bail;

const HELP: &str = "\
usage: cargo xtask kafka COMMAND [--name INSTANCE]

A real Apache Kafka, one KRaft node on loopback, from Maven Central artefacts (needs a JDK 17 and Maven).

  start              start on free ports and an empty folder; prints bootstrap=127.0.0.1:PORT
  stop [--remove]    end it by its pid (--remove: and its folder)
  restart [--kill]   end it (--kill: SIGKILL) and start it again on the same folder and ports
  status             print whether it runs, its address, pid, folder and log
  jars               only fetch the jars
  console -- TOOL [ARGUMENTS]
                     run a Java console client: topics, producer, consumer, groups, configs, transactions,
                     offsets, log-dirs, delete-records, broker-api-versions;
                     --bootstrap-server defaults to the running instance

Instances have a name (default: `default`) and may run side by side.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    match arguments.first().map(String::as_str) {
        Some("kafka") => kafka::run(&arguments[1..]),
        None | Some("help" | "--help" | "-h") => {
            println!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        Some(other) => bail!("unknown task `{other}`\n\n{HELP}"),
    }
}
