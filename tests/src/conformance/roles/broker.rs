//! The embedded broker in a process of its own.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use bellwether_broker::{Broker, BrokerOptions};

use super::{say, wait_for_parent};

/// Compaction and expiry look for work this often, so that no case waits for them.
const HOUSEKEEPING: Duration = Duration::from_millis(200);

/// Serves until the parent lets go; says `bootstrap=ADDRESS` when it listens.
pub(super) fn serve(listen: &str, dir: PathBuf) -> anyhow::Result<()> {
    let mut options = BrokerOptions::new(listen.parse().context("an address to listen on")?, dir);
    options.housekeeping_interval = HOUSEKEEPING;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let broker = Broker::start(options).await.context("starting the embedded broker")?;
        say(&format!("bootstrap={}", broker.local_addr()))?;
        tokio::task::spawn_blocking(wait_for_parent).await?;
        Ok(broker.stop().await?)
    })
}
