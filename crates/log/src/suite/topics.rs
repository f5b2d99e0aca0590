//! Declaring and describing topics.

use super::Harness;
use super::tools::{Bench, Outcome, ensure, equal, fail, spec};
use crate::{Cleanup, TimestampKind};

pub(super) fn created_topics_are_described(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let prefix = bench.unique("described");
    let mut facts = spec(format!("{prefix}.facts"), 6);
    facts.timestamps = TimestampKind::LogAppendTime;
    facts.settings = vec![("max.message.bytes".to_owned(), "2000000".to_owned())];
    let mut timers = spec(format!("{prefix}.delay"), 3);
    timers.cleanup = Cleanup::Compact;
    bench.log.create_topics(&[facts.clone(), timers.clone()])?;

    let found = bench.log.describe_topics(&prefix)?;
    let names: Vec<&str> = found.iter().map(|topic| topic.name.as_str()).collect();
    equal("names, sorted", names, vec![timers.name.as_str(), facts.name.as_str()])?;
    let [delay, facts] = found.as_slice() else { return fail("two topics were asked for") };
    equal("partitions of facts", facts.partitions, 6)?;
    equal("partitions of delay", delay.partitions, 3)?;
    equal("replication", facts.replication, 1)?;
    for (topic, name, value) in [
        (facts, "cleanup.policy", "delete"),
        (facts, "message.timestamp.type", "LogAppendTime"),
        (facts, "max.message.bytes", "2000000"),
        (facts, "retention.ms", "-1"),
        (delay, "cleanup.policy", "compact"),
        (delay, "message.timestamp.type", "CreateTime"),
    ] {
        let told = topic.settings.iter().find(|(told, _)| told == name).map(|(_, value)| value.as_str());
        equal(&format!("{name} of {}", topic.name), told, Some(value))?;
    }
    ensure(facts.settings.is_sorted(), "settings are sorted by name")
}

pub(super) fn creating_again_changes_nothing(harness: &dyn Harness) -> Outcome {
    let bench = Bench::new(harness);
    let first = spec(bench.unique("again"), 2);
    bench.log.create_topics(std::slice::from_ref(&first))?;
    let mut second = first.clone();
    second.partitions = 5;
    let other = spec(format!("{}.other", first.name), 1);
    bench.log.create_topics(&[second, other])?;
    let found = bench.log.describe_topics(&first.name)?;
    let counts: Vec<u32> = found.iter().map(|topic| topic.partitions).collect();
    equal("partition counts", counts, vec![2, 1])
}
