//! Holds `deploy/` to the program: the configuration is valid, the units start commands that exist, the rules ask for
//! metrics that are exported, and every alert has its page in the runbook.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::command::config::edges;
use crate::config::Config;

const ROLES: [&str; 5] = ["connect", "route", "process", "escalate", "notify"];

fn path(of: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(of)
}

fn text(of: &str) -> String {
    std::fs::read_to_string(path(of)).unwrap_or_else(|error| panic!("{of}: {error}"))
}

/// The configuration as it is read, or why not.
fn read(toml: &str) -> Config {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), toml).expect("written");
    let config = Config::load(Some(file.path()), &[]).unwrap_or_else(|failure| panic!("{failure}"));
    let found = edges(&config);
    assert!(found.is_empty(), "{found:?}");
    config
}

#[test]
fn the_configuration_for_a_cluster_is_valid_and_so_is_what_it_has_as_comments() {
    let toml = text("deploy/bellwether.toml");
    let config = read(&toml);
    assert_eq!(config.kafka.replication, 3);
    assert_eq!((config.connect.pagerduty.len(), config.notify.webhook.len()), (0, 0));
    let is_setting = |line: &&str| line.starts_with(['[', '"']) || line.contains(" = ");
    let uncommented = |line: &str| match line.strip_prefix("# ").filter(is_setting) {
        Some(setting) => format!("{setting}\n"),
        None => format!("{line}\n"),
    };
    let all = toml.lines().map(uncommented).collect::<String>();
    let all = all.replace("whsec_...", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz");
    let config = read(&all);
    assert_eq!(config.kafka.settings.len(), 5);
    assert_eq!((config.connect.pagerduty.len(), config.notify.webhook.len()), (1, 1));
}

/// What a unit starts, for one of its instances.
fn started(unit: &str, instance: &str) -> Command {
    let unit = text(unit);
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("it starts something");
    let line = line.replace("%i", instance);
    let cli = Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
    assert!(cli.global.config.is_some(), "{line}");
    cli.command
}

#[test]
fn each_unit_starts_a_command_that_exists_and_each_role_has_an_address_of_its_own() {
    assert!(matches!(started("deploy/systemd/bellwether.service", ""), Command::Up(_)));
    let mut addresses = BTreeSet::new();
    for role in ROLES {
        started("deploy/systemd/bellwether@.service", role);
        let settings = text(&format!("deploy/systemd/roles/{role}.env"));
        let address = settings.lines().find_map(|line| line.strip_prefix("BELLWETHER_HTTP__LISTEN="));
        let config = read(&format!("[http]\nlisten = {:?}", address.expect("an address")));
        assert!(addresses.insert(config.http.listen), "{role} shares its address");
    }
    let scraped = text("deploy/prometheus/scrape.yml");
    for address in addresses {
        assert!(scraped.contains(&format!("- {address}\n")), "{address} is not scraped");
    }
}

/// Words of a text that could be a metric.
fn metrics(text: &str) -> BTreeSet<&str> {
    let is_of_a_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(|letter| !is_of_a_name(letter)).filter(|word| word.starts_with("bellwether_")).collect()
}

#[test]
fn every_rule_asks_for_a_metric_that_is_documented() {
    let documented = text("docs/reference/metrics.md");
    let documented = metrics(&documented);
    for file in ["alerts.yml", "alerts_test.yml", "runbook.md"] {
        let asked = text(&format!("deploy/prometheus/{file}"));
        let unknown: Vec<_> = metrics(&asked).difference(&documented).copied().collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
    }
    assert!(metrics(&text("deploy/prometheus/alerts.yml")).len() > 5, "the rules were read");
}

#[test]
fn every_alert_links_to_its_page_in_the_runbook_and_is_tested_and_no_page_is_left_over() {
    let [rules, runbook, tests] = ["alerts.yml", "runbook.md", "alerts_test.yml"]
        .map(|file| text(&format!("deploy/prometheus/{file}")));
    let alerts: BTreeSet<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let pages: BTreeSet<&str> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(alerts, pages);
    for alert in alerts {
        let link = format!("runbook_url: runbook.md#{}\n", alert.to_lowercase());
        assert!(rules.contains(&link), "{alert} does not link to its page");
        assert!(tests.contains(&format!("alertname: {alert}")), "{alert} is not tested");
    }
}
