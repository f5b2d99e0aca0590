//! Runs the conformance suite of the log port on all three implementations, each case as a test of its own:
//! `sim::case`, `embedded::case` on a broker started in this process, `apache::case` at the address in
//! `BELLWETHER_KAFKA`. Without the address those are listed as ignored, with the reason beside the name.
//! `BELLWETHER_KAFKA_SETTINGS` adds client settings to that address, as `name=value` words: a cluster behind TLS and
//! SASL, another group protocol.
//!
//! Beyond the suite, what takes processes and networks to break: a frozen member, a lossy network, a killed broker.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwether_broker::{Broker, BrokerOptions};
use bellwether_kafka::KafkaLog;
use bellwether_log::EventLog;
use bellwether_log::sim::{Sim, SimOptions};
use bellwether_log::suite::{Case, Harness, cases};
use bellwether_tests::conformance::{Kind, roles};
use libtest_mimic::{Arguments, Failed, Trial};

#[path = "port/client.rs"]
mod client;
#[path = "port/frozen.rs"]
mod frozen;
#[path = "port/killed.rs"]
mod killed;
#[path = "port/lossy.rs"]
mod lossy;

use client::{ADDRESS, unique};

/// Cases wait more than they work.
const THREADS: usize = 6;

fn main() -> ExitCode {
    if let Some(played) = frozen::play().or_else(roles::play) {
        return match played {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error:#}");
                ExitCode::FAILURE
            }
        };
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let embedded = Arc::new(Embedded::default());
    let trials = trials(&embedded, std::env::var(ADDRESS).ok());
    let conclusion = libtest_mimic::run(&arguments, trials);
    embedded.stop();
    conclusion.exit_code()
}

fn trials(embedded: &Arc<Embedded>, apache: Option<String>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in cases() {
        trials.push(Trial::test(format!("sim::{}", case.name), move || run(&case, &Simulated::default())));
        if case.simulated {
            continue;
        }
        let node = Arc::clone(embedded);
        let test = move || run(&case, &Cluster::connect(&node.address()?)?);
        trials.push(Trial::test(format!("embedded::{}", case.name), test));
        trials.push(at_address(case.name, &apache, move |address| run(&case, &Cluster::connect(address)?)));
    }
    let node = Arc::clone(embedded);
    let frozen = frozen::a_frozen_member_cannot_commit_what_has_moved;
    let name = "a_frozen_member_cannot_commit_what_has_moved";
    trials.push(Trial::test(format!("embedded::{name}"), move || shown(frozen(&node.address()?))));
    trials.push(at_address(name, &apache, move |address| shown(frozen(address))));
    trials.push(Trial::test("embedded::a_copy_over_a_lossy_network_is_exact", || {
        shown(lossy::a_copy_over_a_lossy_network_is_exact())
    }));
    trials.push(Trial::test("embedded::an_unanswered_commit_is_indefinite", || {
        shown(lossy::an_unanswered_commit_is_indefinite())
    }));
    let name = "a_copy_through_a_killed_broker_is_exact";
    let killed = killed::a_copy_through_a_killed_broker_is_exact;
    trials.push(Trial::test(format!("embedded::{name}"), move || shown(killed(Kind::Embedded, 4))));
    trials.push(at_address(name, &apache, move |_| shown(killed(Kind::Apache, 2))));
    trials
}

fn at_address(
    name: &str,
    address: &Option<String>,
    test: impl FnOnce(&str) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let name = format!("apache::{name}");
    match address.clone() {
        Some(address) => Trial::test(name, move || test(&address)),
        None => {
            Trial::test(name, || Ok(())).with_kind(format!("{ADDRESS} is not set")).with_ignored_flag(true)
        }
    }
}

fn run(case: &Case, harness: &dyn Harness) -> Result<(), Failed> {
    (case.run)(harness).map_err(|failure| Failed::from(failure.to_string()))
}

fn shown<T>(result: anyhow::Result<T>) -> Result<T, Failed> {
    result.map_err(|error| Failed::from(format!("{error:#}")))
}

struct Simulated(Sim);

impl Default for Simulated {
    fn default() -> Self {
        Self(Sim::new(SimOptions::default()))
    }
}

impl Harness for Simulated {
    fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(self.0.process())
    }

    fn unique(&self, name: &str) -> String {
        unique(name)
    }

    fn sim(&self) -> Option<Sim> {
        Some(self.0.clone())
    }
}

struct Cluster(KafkaLog);

impl Cluster {
    fn connect(address: &str) -> Result<Self, Failed> {
        let mut options = shown(client::options(address))?;
        // Rebalances are heard of at a heartbeat.
        options.heartbeat_interval = Duration::from_millis(200);
        Ok(Self(KafkaLog::connect(options)?))
    }
}

impl Harness for Cluster {
    fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(self.0.clone())
    }

    fn unique(&self, name: &str) -> String {
        unique(name)
    }
}

/// The embedded broker of the run, started by the first case that asks.
#[derive(Default)]
struct Embedded(Mutex<Option<Running>>);

struct Running {
    broker: Broker,
    runtime: tokio::runtime::Runtime,
    address: String,
    _folder: tempfile::TempDir,
}

impl Embedded {
    fn address(&self) -> Result<String, Failed> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.as_ref() {
            return Ok(running.address.clone());
        }
        let folder = tempfile::tempdir()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let options = BrokerOptions::new(SocketAddr::from(([127, 0, 0, 1], 0)), folder.path());
        let broker = runtime.block_on(Broker::start(options))?;
        let address = broker.local_addr().to_string();
        *running = Some(Running { broker, runtime, address: address.clone(), _folder: folder });
        Ok(address)
    }

    fn stop(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { broker, runtime, .. }) = running {
            let _ = runtime.block_on(broker.stop());
        }
    }
}
