//! The Java console clients, by short names: for compatibility checks by script and by hand.

use std::process::ExitCode;

use anyhow::{Context, bail};

use super::instance::{Instance, java};
use super::jars;

/// Short name and main class.
const TOOLS: [(&str, &str); 10] = [
    ("topics", "org.apache.kafka.tools.TopicCommand"),
    ("producer", "org.apache.kafka.tools.ConsoleProducer"),
    ("consumer", "org.apache.kafka.tools.consumer.ConsoleConsumer"),
    ("groups", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"),
    ("configs", "kafka.admin.ConfigCommand"),
    ("transactions", "org.apache.kafka.tools.TransactionsCommand"),
    ("offsets", "org.apache.kafka.tools.GetOffsetShell"),
    ("log-dirs", "org.apache.kafka.tools.LogDirsCommand"),
    ("delete-records", "org.apache.kafka.tools.DeleteRecordsCommand"),
    ("broker-api-versions", "org.apache.kafka.tools.BrokerApiVersionsCommand"),
];

/// Runs a tool with the terminal handed through; its exit code is ours.
pub(crate) fn run(instance: &Instance, words: &[String]) -> anyhow::Result<ExitCode> {
    let names = || TOOLS.map(|(name, _)| name).join(", ");
    let tool = words.first().with_context(|| format!("say which tool after `--`: {}", names()))?;
    let Some((_, class)) = TOOLS.iter().find(|(name, _)| name == tool) else {
        bail!("no console tool `{tool}`: {}", names());
    };
    let jars = jars::fetch()?;
    let mut command = java(&jars, "256m");
    // Only what a user must act on: the tools' own output is what is wanted.
    command.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn").arg(class);
    if !words.iter().any(|word| word.starts_with("--bootstrap-server")) {
        let running = instance.running().with_context(|| {
            format!("no --bootstrap-server given, and kafka `{}` does not run", instance.name())
        })?;
        command.args(["--bootstrap-server", &running.bootstrap]);
    }
    let status = command.args(&words[1..]).status().context("running java")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
