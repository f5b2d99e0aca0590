//! Background work: retention, cleaning, expiry of producers and transactional ids, periodic syncs.
//!
//! Cleaning reads and writes whole segments and runs on the blocking pool; the rest is short.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::wall_ms;
use crate::core::Core;
use crate::sync::lock;
use crate::topics::Partition;

/// Producers without a transactional id are forgotten a day after their last batch, as in Kafka.
const PRODUCER_EXPIRY_MS: i64 = 24 * 3_600 * 1_000;

/// Looks for work at every interval, until `stop`; a round under way is finished.
pub(crate) async fn run(core: Arc<Core>, stop: CancellationToken) {
    let every = core.options.housekeeping_interval.max(Duration::from_millis(1));
    while !stop.is_cancelled() {
        let swept = Arc::clone(&core);
        // A panic in here is logged by the runtime's hook; the next round starts afresh.
        tokio::task::spawn_blocking(move || sweep(&swept)).await.ok();
        rest(&core, every, &stop).await;
    }
}

/// Syncs written bytes at the policy's interval, until `stop`.
pub(crate) async fn run_syncs(core: Arc<Core>, stop: CancellationToken) {
    let Some(every) = core.flusher.interval() else { return };
    while !stop.is_cancelled() {
        // Failures are logged where they happen and tried again at the next interval.
        core.flusher.sync_all(&core.topics).await.ok();
        rest(&core, every, &stop).await;
    }
}

/// Waits for the next round, together with the fetches that wait for nothing.
async fn rest(core: &Core, every: Duration, stop: &CancellationToken) {
    let until = core.clock.end_of_wait(Instant::now(), every);
    tokio::select! {
        () = tokio::time::sleep_until(until) => {}
        () = stop.cancelled() => {}
    }
}

/// One round over all partitions.
pub(crate) fn sweep(core: &Core) {
    let now = wall_ms();
    for partition in core.topics.all_partitions() {
        retain(&partition, now);
        clean(&partition, now);
        lock(&partition.log).producers.expire(now - PRODUCER_EXPIRY_MS);
    }
    core.transactions.expire(core.transaction_context(), now);
}

fn retain(partition: &Partition, now: i64) {
    let settings = partition.settings();
    if let Err(error) = lock(&partition.log).retain(&settings.log, now) {
        warn(partition, &error, "cannot delete old segments");
    }
}

fn clean(partition: &Partition, now: i64) {
    let settings = partition.settings();
    let plan = lock(&partition.log).plan_clean(&settings.log, now);
    let cleaned = match plan {
        Ok(None) => return,
        Ok(Some(plan)) => plan.build(),
        Err(error) => return warn(partition, &error, "cannot roll a segment for cleaning"),
    };
    match cleaned {
        Ok(cleaned) => {
            if let Err(error) = lock(&partition.log).swap_cleaned(cleaned) {
                warn(partition, &error, "cannot swap a cleaned segment in");
            }
        }
        Err(error) => warn(partition, &error, "cannot clean a compacted partition"),
    }
}

fn warn(partition: &Partition, error: &dyn std::fmt::Display, what: &'static str) {
    let at = &partition.at;
    tracing::warn!(topic = %at.topic, partition = at.partition, %error, "{what}");
}
