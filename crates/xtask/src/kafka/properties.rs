//! The settings of the one node.
//!
//! Everything is production default but what makes one node whole, and what would make a test wait: rebalance delay,
//! smallest session, sweeps of the cleaner and of abandoned transactions.

use std::path::Path;

/// Ports of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    /// Where clients connect.
    pub(crate) clients: u16,
    /// Where the controller listens.
    pub(crate) controller: u16,
}

/// `server.properties` of an instance.
pub(crate) fn render(ports: Ports, data: &Path) -> String {
    let Ports { clients, controller } = ports;
    let data = data.display();
    format!(
        "\
# one node, loopback only
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{clients},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{clients}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# tests should not wait for what only matters to large clusters
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
log.cleaner.backoff.ms=200
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
"
    )
}
