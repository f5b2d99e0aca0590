//! Other people's clients: the Java console tools of Kafka 4.1, and kcat.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::conformance::cluster::unique;
use crate::conformance::reading::texts;
use crate::conformance::{Case, Cluster, xtask};

pub(in super::super) const CASES: &[Case] = &[
    Case::new("java_clients_create_list_produce_and_consume", java_clients_create_list_produce_and_consume)
        .needs(&["java", "mvn"]),
    Case::new(
        "java_clients_consume_in_a_group_and_describe_it",
        java_clients_consume_in_a_group_and_describe_it,
    )
    .needs(&["java", "mvn"]),
    Case::new("kcat_lists_produces_and_consumes", kcat_lists_produces_and_consumes).needs(&["kcat"]),
];

fn java(cluster: &Cluster, tool: &str, words: &[&str], input: &str) -> anyhow::Result<String> {
    let mut command = xtask::kafka()?;
    command.args(["console", "--", tool, "--bootstrap-server", cluster.bootstrap()]).args(words);
    run(command, input)
}

/// Runs a command to its end with that standard input; what it said, or why it failed.
fn run(mut command: Command, input: &str) -> anyhow::Result<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("running {command:?}"))?;
    child.stdin.take().context("no standard input")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{command:?} failed ({}):\n{out}\n{err}", output.status);
    Ok(out.into_owned())
}

fn java_clients_create_list_produce_and_consume(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = unique("java");
    java(cluster, "topics", &["--create", "--topic", &topic, "--partitions", "2"], "")?;
    let listed = java(cluster, "topics", &["--list"], "")?;
    ensure!(listed.lines().any(|line| line == topic), "listed: {listed}");
    let described = java(cluster, "topics", &["--describe", "--topic", &topic], "")?;
    ensure!(described.contains("PartitionCount: 2"), "described: {described}");
    java(cluster, "producer", &["--topic", &topic], "one\ntwo\nthree\n")?;
    let mut seen = texts(&cluster.read_settled(&topic)?);
    seen.sort();
    ensure!(seen == ["one", "three", "two"], "produced: {seen:?}");
    let words = ["--topic", &topic, "--from-beginning", "--max-messages", "3", "--timeout-ms", "20000"];
    let consumed = java(cluster, "consumer", &words, "")?;
    let mut lines: Vec<&str> = consumed.lines().collect();
    lines.sort_unstable();
    ensure!(lines == ["one", "three", "two"], "consumed: {lines:?}");
    java(cluster, "topics", &["--delete", "--topic", &topic], "")?;
    Ok(())
}

fn java_clients_consume_in_a_group_and_describe_it(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("java-group", 1, &[])?;
    let group = unique("java-group");
    let producer = cluster.transactional(&unique("java-group"))?;
    producer.begin()?;
    producer.send(&topic, 0, "k", "aborted")?;
    producer.acknowledged()?;
    producer.abort()?;
    producer.begin()?;
    producer.send(&topic, 0, "k", "committed")?;
    producer.commit()?;
    let words = [
        "--topic",
        &topic,
        "--group",
        &group,
        "--from-beginning",
        "--isolation-level",
        "read_committed",
        "--max-messages",
        "1",
        "--timeout-ms",
        "20000",
    ];
    let consumed = java(cluster, "consumer", &words, "")?;
    ensure!(consumed.lines().eq(["committed"]), "a committed reader sees {consumed}");
    let groups = java(cluster, "groups", &["--list"], "")?;
    ensure!(groups.lines().any(|line| line == group), "listed: {groups}");
    let described = java(cluster, "groups", &["--describe", "--group", &group], "")?;
    let row = described.lines().find(|line| line.contains(&topic)).context("no row for the topic")?;
    // GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG ...; the reader may have passed the last marker or not.
    let columns: Vec<&str> = row.split_whitespace().collect();
    let as_expected = |c: &&[&str]| c[0] == "0" && ["3", "4"].contains(&c[1]) && c[2] == "4";
    ensure!(columns.get(2..5).is_some_and(|c| as_expected(&c)), "partition, position and end: {row}");
    Ok(())
}

fn kcat_lists_produces_and_consumes(cluster: &Cluster) -> anyhow::Result<()> {
    let topic = cluster.topic("kcat", 1, &[])?;
    let kcat = |words: &[&str], input: &str| {
        let mut command = Command::new("kcat");
        command.args(["-q", "-b", cluster.bootstrap()]).args(words);
        run(command, input)
    };
    let listed = kcat(&["-L"], "")?;
    ensure!(listed.contains(&format!("topic \"{topic}\" with 1 partitions")), "listed: {listed}");
    kcat(&["-P", "-t", &topic, "-K", ":", "-H", "name=value"], "k1:one\nk2:two\n")?;
    let records = cluster.read_settled(&topic)?;
    ensure!(texts(&records) == ["one", "two"], "produced: {records:?}");
    ensure!(records[0].headers == [("name".to_owned(), Some(b"value".to_vec()))], "headers: {records:?}");
    let consumed = kcat(&["-C", "-t", &topic, "-e", "-o", "beginning", "-f", "%o %k %s\\n"], "")?;
    ensure!(consumed.lines().eq(["0 k1 one", "1 k2 two"]), "consumed: {consumed}");
    Ok(())
}
