//! The suite on a cluster named by BELLWETHER_KAFKA.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bellwether_kafka::{KafkaLog, KafkaOptions};
use bellwether_log::EventLog;
use bellwether_log::suite::{Harness, cases};

struct Cluster {
    log: KafkaLog,
    run: u128,
    names: AtomicU32,
}

impl Harness for Cluster {
    fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(self.log.clone())
    }
    fn unique(&self, name: &str) -> String {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        format!("{name}-{:x}-{number}", self.run)
    }
}

#[test]
fn suite() {
    let Ok(bootstrap) = std::env::var("BELLWETHER_KAFKA") else { return };
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut options = KafkaOptions::new(bootstrap);
    options.heartbeat_interval = Duration::from_millis(200);
    let log = KafkaLog::connect(options).unwrap();
    let run = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let cluster = Cluster { log, run, names: AtomicU32::new(0) };
    let mut failed = 0;
    for case in cases() {
        if case.simulated || !case.name.contains(&only) {
            continue;
        }
        let began = Instant::now();
        match (case.run)(&cluster) {
            Ok(()) => eprintln!("ok    {} {:?}", case.name, began.elapsed()),
            Err(failure) => {
                failed += 1;
                eprintln!("FAIL  {} {:?}: {failure}", case.name, began.elapsed());
            }
        }
    }
    assert_eq!(failed, 0);
}
