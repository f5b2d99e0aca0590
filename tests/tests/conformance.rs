//! Runs every conformance case against both brokers, each as a test of its own: `apache::theme::case` at the address
//! in `BELLWETHER_KAFKA`, `embedded::theme::case` on a broker started here.
//!
//! Without the address, or without a program a case needs, the case is listed as ignored with the reason beside its
//! name. The usual arguments of a test program hold: `-- embedded::fencing`, `--list`, `--test-threads`.

use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bellwether_tests::conformance::node::Node;
use bellwether_tests::conformance::{Case, Cluster, Kind, roles, themes};
use libtest_mimic::{Arguments, Failed, Trial};

/// Where Apache Kafka listens.
const ADDRESS: &str = "BELLWETHER_KAFKA";
/// Cases wait more than they work.
const THREADS: usize = 6;

/// How many of the slowest cases are told with their durations, waiting for their turn included.
const SLOWEST: usize = 8;

/// The brokers, and the turnstile between cases that may run together and those that may not.
#[derive(Debug, Default)]
struct Run {
    apache: Option<String>,
    /// Started by the first case that asks.
    embedded: Mutex<Option<Node>>,
    turnstile: RwLock<()>,
    durations: Mutex<Vec<(Duration, String)>>,
}

fn main() -> ExitCode {
    if let Some(played) = roles::play() {
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
    let run = Arc::new(Run { apache: std::env::var(ADDRESS).ok(), ..Run::default() });
    let trials = [Kind::Embedded, Kind::Apache]
        .into_iter()
        .flat_map(|kind| {
            themes().into_iter().flat_map(move |(theme, cases)| cases.iter().map(move |c| (kind, theme, *c)))
        })
        .map(|(kind, theme, case)| trial(&run, kind, theme, case))
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    run.tell_slowest();
    // Ends the embedded broker before the process does.
    drop(run);
    conclusion.exit_code()
}

fn trial(run: &Arc<Run>, kind: Kind, theme: &str, case: Case) -> Trial {
    let name = format!("{}::{theme}::{}", kind.name(), case.name);
    let reason = run.reason_to_skip(kind, &case);
    let (run, own_name) = (Arc::clone(run), name.clone());
    let trial = Trial::test(name, move || {
        let began = Instant::now();
        let outcome = run.case(kind, &case);
        lock(&run.durations).push((began.elapsed(), own_name));
        outcome
    });
    match reason {
        Some(reason) => trial.with_kind(reason).with_ignored_flag(true),
        None => trial,
    }
}

impl Run {
    /// A wait that grows is seen here before it fails.
    fn tell_slowest(&self) {
        let mut durations = std::mem::take(&mut *lock(&self.durations));
        durations.sort_unstable_by(|a, b| b.cmp(a));
        for (duration, name) in durations.iter().take(SLOWEST) {
            eprintln!("{:6.1} s  {name}", duration.as_secs_f64());
        }
    }

    fn reason_to_skip(&self, kind: Kind, case: &Case) -> Option<String> {
        if kind == Kind::Apache && self.apache.is_none() {
            return Some(format!("{ADDRESS} is not set"));
        }
        let missing = case.needs.iter().find(|program| !is_on_path(program))?;
        Some(format!("no {missing} on the path"))
    }

    fn case(&self, kind: Kind, case: &Case) -> Result<(), Failed> {
        let cluster = self.cluster(kind)?;
        let outcome = if case.alone {
            let _turn = self.turnstile.write().unwrap_or_else(PoisonError::into_inner);
            (case.run)(&cluster)
        } else {
            let _turn = self.turnstile.read().unwrap_or_else(PoisonError::into_inner);
            (case.run)(&cluster)
        };
        outcome.map_err(|error| Failed::from(format!("{error:#}")))
    }

    fn cluster(&self, kind: Kind) -> Result<Cluster, Failed> {
        match kind {
            Kind::Apache => {
                let address = self.apache.as_deref().ok_or_else(|| format!("{ADDRESS} is not set"))?;
                Ok(Cluster::new(kind, address))
            }
            Kind::Embedded => {
                let mut node = lock(&self.embedded);
                if node.is_none() {
                    *node =
                        Some(Node::start(kind).map_err(|error| format!("the embedded broker: {error:#}"))?);
                }
                Ok(node.as_ref().ok_or("no embedded broker")?.cluster())
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
