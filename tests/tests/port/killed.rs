//! A broker that is killed while it is being used.

use std::sync::mpsc;
use std::time::Instant;

use anyhow::ensure;
use bellwether_kafka::{KafkaLog, KafkaOptions};
use bellwether_log::{EventLog, TopicPartition};
use bellwether_tests::conformance::Kind;
use bellwether_tests::conformance::node::Node;

use super::client::{Copier, PATIENCE, check_copy, record, topic, unique};

const PARTITIONS: u32 = 3;
const EACH: u32 = 400;

/// A copy through a broker that is killed and started again `times` times is exact.
pub(crate) fn a_copy_through_a_killed_broker_is_exact(kind: Kind, times: u32) -> anyhow::Result<()> {
    let mut node = Node::start(kind)?;
    let mut options = KafkaOptions::new(node.cluster().bootstrap());
    for (name, value) in [("reconnect.backoff.ms", "20"), ("reconnect.backoff.max.ms", "200")] {
        options.settings.insert(name.to_owned(), value.to_owned());
    }
    let log = KafkaLog::connect(options)?;
    let (input, output, group) = (unique("in"), unique("out"), unique("group"));
    log.create_topics(&[topic(&input, PARTITIONS), topic(&output, PARTITIONS)])?;
    for partition in 0..PARTITIONS {
        let records = (0..EACH).map(|number| record(&input, partition, &format!("v{number}"))).collect();
        log.appender()?.append(records)?;
    }

    let (kill, asked) = mpsc::channel();
    let killer = std::thread::spawn(move || -> anyhow::Result<Node> {
        while asked.recv().is_ok() {
            node.kill_and_restart()?;
        }
        Ok(node)
    });
    let inputs: Vec<_> = (0..PARTITIONS).map(|number| TopicPartition::new(&input, number)).collect();
    let total = usize::try_from(PARTITIONS * EACH)?;
    let mut copier = Copier::join(&log, &group, &input, &output)?;
    let deadline = Instant::now() + PATIENCE;
    let (mut sure, mut kills, mut since_progress) = (0, 0, 0);
    loop {
        let committed = copier.step()?;
        sure += committed;
        since_progress = if committed == 0 { since_progress + 1 } else { 0 };
        if kills < times && sure * usize::try_from(times + 1)? > total * usize::try_from(kills + 1)? {
            kills += 1;
            kill.send(())?;
        }
        if since_progress > 20 {
            since_progress = 0;
            let done: i64 =
                log.committed(&group, &inputs).unwrap_or_default().iter().map(|p| p.next_offset).sum();
            if done == i64::from(PARTITIONS * EACH) {
                break;
            }
        }
        ensure!(Instant::now() < deadline, "the copy is not done: {:?}, {kills} kills", copier.outcomes);
    }
    drop(kill);
    let node = killer.join().map_err(|_| anyhow::anyhow!("the killer panicked"))??;
    eprintln!("{kills} kills; commits: {:?}", copier.outcomes);
    copier.leave()?;
    check_copy(&log, &output, PARTITIONS, EACH)?;
    ensure!(kills == times, "only {kills} kills");
    drop(log);
    drop(node);
    Ok(())
}
