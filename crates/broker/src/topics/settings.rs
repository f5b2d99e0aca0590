//! Topic settings: which there are, their defaults, and what values they take.
//!
//! Settings that mean something only in a cluster are accepted and described, so that one topic declaration
//! serves here and there; they change nothing. Unknown settings are refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::log::settings::LogSettings;

/// The type of a setting's value, as told to administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConfigKind {
    Boolean,
    Text,
    Integer,
    Long,
    Double,
    List,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) kind: ConfigKind,
    pub(crate) default: &'static str,
}

const fn setting(name: &'static str, kind: ConfigKind, default: &'static str) -> Setting {
    Setting { name, kind, default }
}

/// All settings, in the order they are described.
pub(crate) const SETTINGS: &[Setting] = &[
    setting("cleanup.policy", ConfigKind::List, "delete"),
    setting("compression.type", ConfigKind::Text, "producer"),
    setting("delete.retention.ms", ConfigKind::Long, "86400000"),
    setting("file.delete.delay.ms", ConfigKind::Long, "0"),
    setting("flush.messages", ConfigKind::Long, "9223372036854775807"),
    setting("flush.ms", ConfigKind::Long, "9223372036854775807"),
    setting("follower.replication.throttled.replicas", ConfigKind::List, ""),
    setting("index.interval.bytes", ConfigKind::Integer, "16384"),
    setting("leader.replication.throttled.replicas", ConfigKind::List, ""),
    setting("max.compaction.lag.ms", ConfigKind::Long, "9223372036854775807"),
    setting("max.message.bytes", ConfigKind::Integer, "1048588"),
    setting("message.timestamp.after.max.ms", ConfigKind::Long, "9223372036854775807"),
    setting("message.timestamp.before.max.ms", ConfigKind::Long, "9223372036854775807"),
    setting("message.timestamp.type", ConfigKind::Text, "CreateTime"),
    setting("min.cleanable.dirty.ratio", ConfigKind::Double, "0.5"),
    setting("min.compaction.lag.ms", ConfigKind::Long, "0"),
    setting("min.insync.replicas", ConfigKind::Integer, "1"),
    setting("preallocate", ConfigKind::Boolean, "false"),
    setting("retention.bytes", ConfigKind::Long, "-1"),
    setting("retention.ms", ConfigKind::Long, "604800000"),
    setting("segment.bytes", ConfigKind::Integer, "134217728"),
    setting("segment.index.bytes", ConfigKind::Integer, "10485760"),
    setting("segment.jitter.ms", ConfigKind::Long, "0"),
    setting("segment.ms", ConfigKind::Long, "604800000"),
    setting("unclean.leader.election.enable", ConfigKind::Boolean, "false"),
];

/// The settings of one topic: what was set explicitly, and what the log makes of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TopicSettings {
    explicit: BTreeMap<String, String>,
    pub(crate) log: LogSettings,
}

/// The values a topic was given cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct InvalidSetting(String);

impl TopicSettings {
    /// Checks explicit settings and derives the log's.
    pub(crate) fn parse(explicit: BTreeMap<String, String>) -> Result<Self, InvalidSetting> {
        for (name, value) in &explicit {
            let known = SETTINGS.iter().find(|setting| setting.name == name);
            let Some(known) = known else {
                return Err(InvalidSetting(format!("unknown topic setting {name}")));
            };
            check_kind(known, value)?;
        }
        let log = log_settings(&explicit)?;
        Ok(Self { explicit, log })
    }

    /// The explicit settings.
    pub(crate) fn explicit(&self) -> &BTreeMap<String, String> {
        &self.explicit
    }
}

/// Shared by a topic and its partitions; replaced as a whole when settings change.
pub(super) type SharedSettings = Arc<TopicSettings>;

fn invalid(name: &str, value: &str, wanted: &str) -> InvalidSetting {
    InvalidSetting(format!("invalid value {value} for {name}: {wanted}"))
}

fn check_kind(setting: &Setting, value: &str) -> Result<(), InvalidSetting> {
    let fits = match setting.kind {
        ConfigKind::Boolean => value == "true" || value == "false",
        ConfigKind::Integer => value.parse::<i32>().is_ok(),
        ConfigKind::Long => value.parse::<i64>().is_ok(),
        ConfigKind::Double => value.parse::<f64>().is_ok_and(|ratio| (0.0..=1.0).contains(&ratio)),
        ConfigKind::Text | ConfigKind::List => true,
    };
    let wanted = match setting.kind {
        ConfigKind::Boolean => "true or false",
        ConfigKind::Integer | ConfigKind::Long => "a whole number in range",
        ConfigKind::Double => "a number from 0 to 1",
        ConfigKind::Text | ConfigKind::List => "text",
    };
    if fits { Ok(()) } else { Err(invalid(setting.name, value, wanted)) }
}

fn value_of<'a>(explicit: &'a BTreeMap<String, String>, name: &str) -> &'a str {
    let default = SETTINGS.iter().find(|setting| setting.name == name).map_or("", |setting| setting.default);
    explicit.get(name).map_or(default, String::as_str)
}

fn log_settings(explicit: &BTreeMap<String, String>) -> Result<LogSettings, InvalidSetting> {
    let text = |name| value_of(explicit, name);
    let number = |name: &str, least: i64| {
        let value = value_of(explicit, name);
        match value.parse::<i64>() {
            Ok(parsed) if parsed >= least => Ok(parsed),
            _ => Err(invalid(name, value, &format!("at least {least}"))),
        }
    };
    let policy = text("cleanup.policy");
    let policies: Vec<&str> = policy.split(',').map(str::trim).collect();
    if policies.iter().any(|policy| !["delete", "compact"].contains(policy)) {
        return Err(invalid("cleanup.policy", policy, "delete, compact or both"));
    }
    let append_time = match text("message.timestamp.type") {
        "CreateTime" => false,
        "LogAppendTime" => true,
        other => return Err(invalid("message.timestamp.type", other, "CreateTime or LogAppendTime")),
    };
    let codec = text("compression.type");
    if !["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"].contains(&codec) {
        return Err(invalid("compression.type", codec, "a compression type"));
    }
    let bounded = |value: i64| u64::try_from(value).ok();
    let ratio: f64 = text("min.cleanable.dirty.ratio").parse().unwrap_or(0.5);
    Ok(LogSettings {
        delete: policies.contains(&"delete"),
        compact: policies.contains(&"compact"),
        append_time,
        max_message_bytes: number("max.message.bytes", 0)? as usize,
        segment_bytes: number("segment.bytes", 14)? as u64,
        segment_ms: number("segment.ms", 1)?,
        retention_ms: bounded(number("retention.ms", -1)?).map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
        retention_bytes: bounded(number("retention.bytes", -1)?),
        delete_retention_ms: number("delete.retention.ms", 0)?,
        min_dirty_permille: (ratio * 1_000.0) as u64,
        min_compaction_lag_ms: number("min.compaction.lag.ms", 0)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<TopicSettings, InvalidSetting> {
        TopicSettings::parse(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    #[test]
    fn defaults_are_valid_and_keep_a_week() {
        for setting in SETTINGS {
            parse(&[(setting.name, setting.default)]).unwrap();
        }
        let settings = parse(&[]).unwrap().log;
        assert!(settings.delete && !settings.compact);
        assert_eq!(settings.retention_ms, Some(604_800_000));
        assert_eq!(settings.retention_bytes, None);
    }

    #[test]
    fn explicit_values_reach_the_log() {
        let settings = parse(&[
            ("cleanup.policy", "compact,delete"),
            ("retention.ms", "-1"),
            ("min.cleanable.dirty.ratio", "0.01"),
            ("message.timestamp.type", "LogAppendTime"),
        ]);
        let log = settings.unwrap().log;
        assert!(log.delete && log.compact && log.append_time);
        assert_eq!((log.retention_ms, log.min_dirty_permille), (None, 10));
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for (name, value) in [
            ("cleanup.policy", "shred"),
            ("retention.ms", "soon"),
            ("segment.bytes", "1"),
            ("no.such.setting", "1"),
            ("preallocate", "maybe"),
            ("min.cleanable.dirty.ratio", "7"),
        ] {
            assert!(parse(&[(name, value)]).unwrap_err().to_string().contains(name));
        }
    }
}
