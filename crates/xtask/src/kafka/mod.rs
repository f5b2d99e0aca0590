//! `cargo xtask kafka`: a real Apache Kafka for tests, without a container engine.
//!
//! What it is: the commands, each a few lines over [`instance`], [`jars`], [`process`] and [`console`]. What it is
//! not: a way to run Kafka for anything but development: one node, loopback only, its data thrown away at `start`.

mod console;
mod instance;
mod jars;
mod probe;
mod process;
mod properties;

use std::process::ExitCode;

use anyhow::{Context, bail};

use instance::Instance;

/// Runs one command; `arguments` begin after `kafka`.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let request = Request::parse(arguments)?;
    let instance = Instance::named(&request.name)?;
    match request.command {
        Command::Start => start(&instance),
        Command::Stop { remove } => stop(&instance, remove),
        Command::Restart { kill } => restart(&instance, kill),
        Command::Status => Ok(status(&instance)),
        Command::Jars => {
            println!("{}", jars::fetch()?.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Console(tool) => console::run(&instance, &tool),
    }
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Start,
    Stop { remove: bool },
    Restart { kill: bool },
    Status,
    Jars,
    Console(Vec<String>),
}

#[derive(Debug, PartialEq, Eq)]
struct Request {
    command: Command,
    name: String,
}

impl Request {
    fn parse(arguments: &[String]) -> anyhow::Result<Self> {
        let mut own = arguments;
        let mut tool: &[String] = &[];
        if let Some(at) = arguments.iter().position(|argument| argument == "--") {
            (own, tool) = (&arguments[..at], &arguments[at + 1..]);
        }
        let mut words = own.iter().map(String::as_str);
        let word = words.next().context("say which: start, stop, restart, status, jars or console")?;
        let (mut name, mut kill, mut remove) = ("default".to_owned(), false, false);
        while let Some(option) = words.next() {
            match option {
                "--name" => name = words.next().context("--name needs a value")?.to_owned(),
                "--kill" if word == "restart" => kill = true,
                "--remove" if word == "stop" => remove = true,
                other => bail!("`kafka {word}` knows no `{other}`"),
            }
        }
        let command = match word {
            "start" => Command::Start,
            "stop" => Command::Stop { remove },
            "restart" => Command::Restart { kill },
            "status" => Command::Status,
            "jars" => Command::Jars,
            "console" => Command::Console(tool.to_vec()),
            other => bail!("`kafka` knows no `{other}`: start, stop, restart, status, jars or console"),
        };
        if !tool.is_empty() && !matches!(command, Command::Console(_)) {
            bail!("`kafka {word}` takes nothing after `--`");
        }
        Ok(Self { command, name })
    }
}

fn start(instance: &Instance) -> anyhow::Result<ExitCode> {
    if let Some(running) = instance.running() {
        bail!(
            "kafka `{}` already runs as pid {} at {}; stop it first",
            instance.name(),
            running.pid,
            running.bootstrap
        );
    }
    let jars = jars::fetch()?;
    let running = instance.start_fresh(&jars)?;
    println!("bootstrap={}", running.bootstrap);
    Ok(ExitCode::SUCCESS)
}

fn stop(instance: &Instance, remove: bool) -> anyhow::Result<ExitCode> {
    match instance.running() {
        Some(running) => {
            process::terminate(running.pid, &instance.marker())?;
            println!("stopped pid={}", running.pid);
        }
        None => println!("kafka `{}` does not run", instance.name()),
    }
    if remove {
        instance.remove()?
    } else {
        instance.forget()?
    }
    Ok(ExitCode::SUCCESS)
}

fn restart(instance: &Instance, kill: bool) -> anyhow::Result<ExitCode> {
    if let Some(running) = instance.running() {
        if kill {
            process::kill(running.pid, &instance.marker())?;
        } else {
            process::terminate(running.pid, &instance.marker())?;
        }
    }
    let jars = jars::fetch()?;
    let running = instance.start_again(&jars)?;
    println!("bootstrap={}", running.bootstrap);
    Ok(ExitCode::SUCCESS)
}

fn status(instance: &Instance) -> ExitCode {
    let Some(running) = instance.running() else {
        println!("kafka `{}` does not run", instance.name());
        return ExitCode::FAILURE;
    };
    println!("bootstrap={}", running.bootstrap);
    println!("pid={}", running.pid);
    println!("folder={}", instance.folder().display());
    println!("log={}", instance.log().display());
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> anyhow::Result<Request> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Request::parse(&words)
    }

    #[test]
    fn options_may_follow_the_command() {
        let wanted = Request { command: Command::Restart { kill: true }, name: "second".into() };
        assert_eq!(parse("restart --kill --name second").unwrap(), wanted);
    }

    #[test]
    fn what_follows_two_dashes_belongs_to_the_console_tool() {
        let tool = vec!["topics".to_owned(), "--list".to_owned()];
        assert_eq!(parse("console -- topics --list").unwrap().command, Command::Console(tool));
    }

    #[test]
    fn unknown_words_are_refused_by_name() {
        assert!(parse("begin").unwrap_err().to_string().contains("begin"));
        assert!(parse("stop --kill").unwrap_err().to_string().contains("--kill"));
        assert!(parse("start -- topics").unwrap_err().to_string().contains("nothing after"));
    }
}
