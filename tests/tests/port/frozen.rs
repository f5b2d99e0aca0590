//! A member that is stopped with a batch in hand until its partition has moved, and then goes on.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bellwether_kafka::KafkaLog;
use bellwether_log::{EventLog, Position, TopicPartition};

use super::client::{PATIENCE, POLL, commit, member, options, record, take, topic, unique};

/// Set for the child process: its orders.
const CHILD: &str = "BELLWETHER_PORT_CHILD";
/// Kafka's default lower bound on sessions.
const SESSION: Duration = Duration::from_secs(6);

/// A batch that was read before the member was frozen is not committed once another member has the partition,
/// although the frozen one heard of nothing.
pub(crate) fn a_frozen_member_cannot_commit_what_has_moved(address: &str) -> anyhow::Result<()> {
    let (input, output, group) = (unique("in"), unique("out"), unique("group"));
    let log = connect(address)?;
    log.create_topics(&[topic(&input, 1), topic(&output, 1)])?;
    log.appender()?.append((0..3).map(|number| record(&input, 0, &format!("v{number}"))).collect())?;

    let mut frozen = Frozen::start(&[address, &input, &output, &group])?;
    frozen.expect("batch 3")?;
    frozen.signal("STOP")?;

    let mut heir = log.join(member(&group, &input))?;
    let (taken, token) = take(heir.as_mut(), 3)?;
    commit(heir.as_mut(), vec![record(&output, 0, "heir")], &taken, token)?;

    frozen.signal("CONT")?;
    frozen.say("commit")?;
    let said = frozen.line()?;
    ensure!(said == "refused Aborted" || said == "refused Fenced", "the frozen member said `{said}`");

    let mut reader = log.read(&TopicPartition::new(&output, 0), 0)?;
    let read = reader.next(POLL)?;
    let values: Vec<&[u8]> = read.iter().filter_map(|record| record.value.as_deref()).collect();
    ensure!(values == [b"heir"], "the output holds {values:?}");
    let partition = TopicPartition::new(&input, 0);
    let committed = log.committed(&group, std::slice::from_ref(&partition))?;
    ensure!(committed == [Position { partition, next_offset: 3 }], "committed {committed:?}");
    heir.leave()?;
    Ok(())
}

/// Plays the child's part, when this process is the child: reads a batch, waits for the word, tries to commit, says
/// what came of it.
pub(crate) fn play() -> Option<anyhow::Result<()>> {
    let orders = std::env::var(CHILD).ok()?;
    let played = frozen_member(&orders);
    Some(played.or_else(|error| answer(&format!("failed {error:#}"))))
}

fn frozen_member(orders: &str) -> anyhow::Result<()> {
    let orders: Vec<&str> = orders.split(' ').collect();
    let [address, input, output, group] = orders.as_slice() else { bail!("four orders, not {orders:?}") };
    let log = connect(address)?;
    let mut member = log.join(member(group, input))?;
    let (taken, token) = take(member.as_mut(), 3)?;
    answer(&format!("batch {}", taken.len()))?;
    let mut word = String::new();
    std::io::stdin().read_line(&mut word)?;
    match commit(member.as_mut(), vec![record(output, 0, "frozen")], &taken, token) {
        Ok(()) => answer("committed"),
        Err(error) => answer(&format!("refused {:?}", error.class())),
    }
}

/// Says a line to the parent.
fn answer(line: &str) -> anyhow::Result<()> {
    let mut output = std::io::stdout();
    writeln!(output, "{line}")?;
    Ok(output.flush()?)
}

fn connect(address: &str) -> anyhow::Result<KafkaLog> {
    let mut options = options(address)?;
    options.session_timeout = SESSION;
    Ok(KafkaLog::connect(options)?)
}

/// The child process. Killed when dropped.
struct Frozen {
    child: Child,
    lines: Receiver<String>,
}

impl Frozen {
    fn start(orders: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .env(CHILD, orders.join(" "))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the member to freeze")?;
        let output = child.stdout.take().context("its output")?;
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, lines })
    }

    fn line(&self) -> anyhow::Result<String> {
        self.lines.recv_timeout(PATIENCE).context("waiting for a word of the frozen member")
    }

    fn expect(&self, expected: &str) -> anyhow::Result<()> {
        let line = self.line()?;
        ensure!(line == expected, "the member to freeze said `{line}`, not `{expected}`");
        Ok(())
    }

    fn say(&mut self, word: &str) -> anyhow::Result<()> {
        let input = self.child.stdin.as_mut().context("its input")?;
        writeln!(input, "{word}")?;
        Ok(())
    }

    fn signal(&self, name: &str) -> anyhow::Result<()> {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status()?;
        ensure!(status.success(), "kill -s {name}: {status}");
        Ok(())
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
