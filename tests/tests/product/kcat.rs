//! A stranger's client: `kcat` prints the triggers of a running `up`.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, ensure};
use bellwether_tests::conformance::wait::eventually;
use bellwether_tests::product::{Outside, Settings, up};
use bellwether_wire::topics::Topic;
use bellwether_wire::{Payload, binary};

use super::present::Present;

/// Lists the topics and prints every trigger with its headers.
pub(crate) fn prints_triggers() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let settings = Settings::live(&folder.path().join("up"), "seen");
    let mut process = up(&settings)?;
    let present = Present::new(&settings)?;
    for file in 0..3 {
        present.publish(file, &settings, &process.servers)?;
    }
    let log = Outside::connect(&process.servers, &settings)?;
    eventually("a trigger fires", || {
        process.check()?;
        Ok((!log.contents(Topic::Trigger)?.is_empty()).then_some(()))
    })?;
    log.settle(|| process.check())?;

    let name = settings.topic(Topic::Trigger);
    let listed = kcat(&["-L", "-b", &process.servers])?;
    for topic in Topic::ALL {
        let wanted = format!("topic \"{}\"", settings.topic(topic));
        ensure!(listed.contains(&wanted), "kcat lists no {wanted}: {listed}");
    }
    let printed = kcat(&["-C", "-q", "-e", "-b", &process.servers, "-t", &name, "-f", "%k|%h|%S\n"])?;
    let mut wanted = BTreeSet::new();
    let mut fired = 0;
    for said in log.contents(Topic::Trigger)? {
        if let Payload::TriggerFired(message) = binary::read(&said.headers, said.value.as_ref())?.payload {
            ensure!(said.header("ce_id") == format!("{}/fired", message.trigger), "{}", said.line());
            ensure!(said.key.as_deref() == Some(message.trigger.as_bytes()), "{}", said.line());
            fired += 1;
        }
        let headers: Vec<String> = said
            .headers
            .iter()
            .map(|(name, value)| {
                format!("{name}={}", String::from_utf8_lossy(value.as_deref().unwrap_or_default()))
            })
            .collect();
        let key = String::from_utf8_lossy(said.key.as_deref().unwrap_or_default()).into_owned();
        let bytes = said.value.as_ref().map_or(0, bytes::Bytes::len);
        wanted.insert(format!("{key}|{}|{bytes}", headers.join(",")));
    }
    ensure!(fired >= 7, "a squad burns, but {fired} triggers fired");
    let found: BTreeSet<String> = only_records(&printed).map(str::to_owned).collect();
    ensure!(found == wanted, "kcat prints\n{printed}\nand not\n{wanted:#?}");
    ensure!(printed.contains("ce_type=bellwether.trigger.fired.v1"), "{printed}");
    process.stop()
}

fn only_records(printed: &str) -> impl Iterator<Item = &str> {
    printed.lines().filter(|line| !line.is_empty())
}

fn kcat(words: &[&str]) -> anyhow::Result<String> {
    let output =
        Command::new("timeout").arg("60").arg("kcat").args(words).output().context("running kcat")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "kcat {words:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    Ok(text)
}
