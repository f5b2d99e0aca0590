//! What a value must be beyond its type, for every setting that a process would stumble over later.

use std::collections::BTreeSet;

use bellwether_model::Thresholds;
use bellwether_wire::ids::HashKey;
use secrecy::ExposeSecret as _;

use super::mapping::JiraMapping;
use super::problem::Problem;
use super::{Config, plain};
use crate::audit::cost;

/// Longest prefix: topic names are at most 249 bytes long, and ours add some twenty.
const PREFIX_BYTES_MAX: usize = 200;

/// Every setting that cannot be, in the order of the file.
pub(crate) fn problems(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    names(config, &mut found);
    counts(config, &mut found);
    keys(config, &mut found);
    thresholds(config, &mut found);
    cost_model(config, &mut found);
    mapping("mapping.jira", &config.mapping.jira, &mut found);
    for (place, source) in config.connect.jira.iter().enumerate() {
        mapping(&format!("connect.jira.{place}.mapping"), &source.mapping, &mut found);
    }
    accounts(config, &mut found);
    found
}

fn names(config: &Config, found: &mut Vec<Problem>) {
    let is_plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let prefix = &config.kafka.prefix;
    if !is_plain(prefix) || prefix.len() > PREFIX_BYTES_MAX {
        let why =
            format!("topic names hold letters, digits, `.`, `_` and `-`, here at most {PREFIX_BYTES_MAX}");
        found.push(Problem::new("kafka.prefix", format!("{prefix:?}"), why, "such as bellwether"));
    }
    if config.dir.as_os_str().is_empty() {
        let why = "the data needs a folder";
        found.push(Problem::new("dir", "\"\"", why, "such as bellwether-data"));
    }
    let epoch = &config.restore.epoch;
    if !is_plain(epoch) {
        let why = "it is part of the names of snapshots: letters, digits, `.`, `_` and `-`";
        found.push(Problem::new("restore.epoch", format!("{epoch:?}"), why, "such as \"2\""));
    }
}

fn cost_model(config: &Config, found: &mut Vec<Problem>) {
    for (key, value) in config.cost_model() {
        if let Some(why) = cost::refused(&key, &value) {
            let todo = format!("the parameters are {}", cost::parameters());
            found.push(Problem::new(format!("cost-model.{key}"), value, why, todo));
        }
    }
}

fn counts(config: &Config, found: &mut Vec<Problem>) {
    let connect = &config.connect;
    let counts = [
        ("kafka.replication", u64::from(config.kafka.replication)),
        ("topics.facts-partitions", u64::from(config.topics.facts_partitions)),
        ("topics.function-partitions", u64::from(config.topics.function_partitions)),
        ("connect.body-limit-bytes", connect.body_limit_bytes as u64),
        ("connect.buffered-bytes-max", connect.buffered_bytes_max as u64),
        ("connect.requests-max", connect.requests_max as u64),
        ("connect.linear-window-seconds", u64::from(connect.linear_window_seconds)),
        ("import.document-bytes-max", config.import.document_bytes_max),
    ];
    for (key, value) in counts {
        if value == 0 {
            found.push(Problem::new(key, "0", "nothing could ever happen", "at least 1"));
        }
    }
    if connect.buffered_bytes_max < connect.body_limit_bytes {
        found.push(Problem::new(
            "connect.buffered-bytes-max",
            connect.buffered_bytes_max.to_string(),
            format!("a body of connect.body-limit-bytes = {} would never fit", connect.body_limit_bytes),
            "at least connect.body-limit-bytes",
        ));
    }
}

fn keys(config: &Config, found: &mut Vec<Problem>) {
    for (key, secret) in
        [("keys.id-key", &config.keys.id_key), ("keys.pseudonym-key", &config.keys.pseudonym_key)]
    {
        let text = secret.expose_secret();
        if !text.is_empty() && HashKey::from_hex(text).is_none() {
            let todo = "make one with: openssl rand -hex 32, or leave it empty";
            found.push(Problem::new(key, "", "not 64 hexadecimal digits", todo));
        }
    }
}

fn thresholds(config: &Config, found: &mut Vec<Problem>) {
    let mut scratch = Thresholds::default();
    for (key, value) in &config.thresholds {
        let text = plain(value);
        if let Err(error) = scratch.set(key, &text) {
            let todo = "`bellwether config print --thresholds` has every threshold with its unit";
            found.push(Problem::new(format!("thresholds.{key}"), text, error.to_string(), todo));
        }
    }
}

fn mapping(section: &str, mapping: &JiraMapping, found: &mut Vec<Problem>) {
    for (key, id) in mapping.field_ids() {
        let digits = id.strip_prefix("customfield_").unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            found.push(Problem::new(
                format!("{section}.{key}"),
                format!("{id:?}"),
                "not the id of a custom field",
                "such as customfield_10016; the site lists ids with names at /rest/api/3/field",
            ));
        }
    }
}

/// Of two sources with one name the webhooks of one would be refused with the secret of the other.
fn accounts(config: &Config, found: &mut Vec<Problem>) {
    let connect = &config.connect;
    let all = [
        ("jira", "site", connect.jira.iter().map(|it| &it.site).collect::<Vec<_>>()),
        ("linear", "workspace", connect.linear.iter().map(|it| &it.workspace).collect()),
        ("pagerduty", "account", connect.pagerduty.iter().map(|it| &it.account).collect()),
    ];
    for (kind, key, names) in all {
        let mut seen = BTreeSet::new();
        for (place, name) in names.into_iter().enumerate() {
            if name.is_empty() {
                let key = format!("connect.{kind}.{place}.{key}");
                let todo = "the last part of the webhook's path, such as acme";
                found.push(Problem::new(key, "\"\"", "a source needs a name", todo));
                continue;
            }
            if !seen.insert(name) {
                let key = format!("connect.{kind}.{place}.{key}");
                let todo = "put the secrets of both into one source, or name them apart";
                found.push(Problem::new(key, format!("{name:?}"), "it is there twice", todo));
            }
        }
    }
}
