//! The product as a whole: the `bellwether` program on its embedded broker (`embedded::case`) and on the cluster at the
//! address in `BELLWETHER_KAFKA` (`apache::case`). A case whose address, program or fixtures are missing is listed as
//! ignored, with the reason beside its name.
//!
//! What it is not: a test of what the folds decide; that is beside the folds. Here it is whether what they decide arrives,
//! once and in order, whatever happens to the process.

use std::path::PathBuf;
use std::process::ExitCode;

use bellwether_tests::product::on_path;
use bellwether_tests::workspace_root;
use libtest_mimic::{Arguments, Failed, Trial};

#[path = "product/demo.rs"]
mod demo;
#[path = "product/imported.rs"]
mod imported;
#[path = "product/kcat.rs"]
mod kcat;
#[path = "product/killed.rs"]
mod killed;
#[path = "product/live.rs"]
mod live;
#[path = "product/present.rs"]
mod present;
#[path = "product/quarter.rs"]
mod quarter;

/// Where Apache Kafka listens.
const ADDRESS: &str = "BELLWETHER_KAFKA";
/// Where the fixtures are.
const FIXTURES: &str = "BELLWETHER_FIXTURES";
/// Each case keeps about one core busy.
const THREADS: usize = 2;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    libtest_mimic::run(&arguments, trials(std::env::var(ADDRESS).ok())).exit_code()
}

fn trials(apache: Option<String>) -> Vec<Trial> {
    let no_apache = apache.is_none().then(|| format!("{ADDRESS} is not set"));
    let no_kcat = (!on_path("kcat")).then(|| "kcat is not installed".to_owned());
    let fixtures = fixtures();
    let no_fixtures = (!fixtures.is_dir()).then(|| format!("{FIXTURES} is not set"));
    let servers = apache.unwrap_or_default();
    let (demo, killed) = (servers.clone(), servers);
    vec![
        case("embedded::demo_shows_all_six_rules_and_all_five_levels", None, demo::shows_everything),
        case("embedded::up_killed_again_and_again_says_the_same_bytes", None, killed::embedded),
        case(
            "embedded::up_killed_while_people_publish_loses_and_doubles_nothing",
            None,
            live::killed_while_people_publish,
        ),
        case("embedded::imported_history_pages_nobody", None, imported::history_pages_nobody),
        case("embedded::the_fixtures_imported_twice_add_nothing", no_fixtures, move || {
            imported::fixtures_twice(&fixtures)
        }),
        case("embedded::kcat_prints_the_triggers_of_up", no_kcat, kcat::prints_triggers),
        case("apache::demo_says_the_same_bytes_as_on_the_embedded_broker", no_apache.clone(), move || {
            demo::is_the_same_on(&demo)
        }),
        case("apache::up_killed_again_and_again_says_the_same_bytes", no_apache, move || {
            killed::cluster(&killed)
        }),
    ]
}

fn fixtures() -> PathBuf {
    std::env::var_os(FIXTURES).map_or_else(|| workspace_root().join("../shared/fixtures"), PathBuf::from)
}

/// A case, ignored when there is a reason.
fn case(
    name: &str,
    missing: Option<String>,
    run: impl FnOnce() -> anyhow::Result<()> + Send + 'static,
) -> Trial {
    match missing {
        Some(missing) => Trial::test(name, || Ok(())).with_kind(missing).with_ignored_flag(true),
        None => Trial::test(name, || run().map_err(|error| Failed::from(format!("{error:#}")))),
    }
}
