//! Creating, deleting and growing topics. One at a time; the journal first, then the folders.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    DeleteTopicsRequest, DeleteTopicsResponse, TopicName,
};
use uuid::Uuid;

use super::configs::{describe_topic, source_of};
use super::{storage_error, text};
use crate::clock::wall_ms;
use crate::core::{Core, NODE_ID};
use crate::journal::{Entry, TopicRow};
use crate::sync::lock;
use crate::topics::TopicSettings;

/// Longest topic name, as in Kafka.
const MAX_NAME: usize = 249;
/// Partitions in the whole broker: each costs memory and a share of every background round.
const MAX_PARTITIONS: usize = 20_000;
/// First versions of features.
const CREATE_DESCRIBES: i16 = 5;
const CREATE_NAMES_ID: i16 = 7;
const DELETE_BY_ID: i16 = 6;
const DELETE_EXPLAINS: i16 = 5;

/// A refusal with words.
type Refusal = (ResponseError, String);

fn refuse<T>(error: ResponseError, message: impl Into<String>) -> Result<T, Refusal> {
    Err((error, message.into()))
}

/// Creates topics.
pub(super) async fn create(core: &Core, version: i16, request: &CreateTopicsRequest) -> CreateTopicsResponse {
    let results = request.topics.iter().map(|topic| {
        let twice = request.topics.iter().filter(|other| other.name == topic.name).count() > 1;
        let created = if twice {
            refuse(ResponseError::InvalidRequest, "the request names the topic twice")
        } else {
            create_one(core, topic, request.validate_only)
        };
        create_result(version, topic, created)
    });
    let results = results.collect();
    // Failure to sync is logged; the topic exists and survives anything but a power failure.
    core.flusher.sync_journal().await.ok();
    CreateTopicsResponse::default().with_topics(results)
}

fn create_result(
    version: i16,
    topic: &CreatableTopic,
    created: Result<(TopicRow, TopicSettings), Refusal>,
) -> CreatableTopicResult {
    let result = CreatableTopicResult::default().with_name(topic.name.clone());
    match created {
        Ok((row, settings)) => {
            let result = if version >= CREATE_NAMES_ID { result.with_topic_id(row.id) } else { result };
            if version < CREATE_DESCRIBES {
                return result;
            }
            let configs = describe_topic(&settings).into_iter().map(|(setting, value, explicit)| {
                CreatableTopicConfigs::default()
                    .with_name(text(setting.name))
                    .with_value(Some(text(value)))
                    .with_config_source(source_of(explicit))
            });
            result
                .with_num_partitions(row.partitions)
                .with_replication_factor(1)
                .with_configs(Some(configs.collect()))
        }
        Err((error, message)) => {
            let result = result.with_error_code(error.code()).with_error_message(Some(text(message)));
            if version >= CREATE_DESCRIBES { result.with_configs(Some(Vec::new())) } else { result }
        }
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let legal = |c: char| c.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&c);
    if name.is_empty() || name == "." || name == ".." || name.len() > MAX_NAME || !name.chars().all(legal) {
        let rule = "a topic name has 1 to 249 letters, digits, dots, underscores and dashes";
        return refuse(ResponseError::InvalidTopicException, rule);
    }
    Ok(())
}

fn check_room(core: &Core, more: i32) -> Result<(), Refusal> {
    let used: usize = core.topics.all().iter().map(|topic| topic.partition_count()).sum();
    if more < 1 || used + more as usize > MAX_PARTITIONS {
        let message =
            format!("partitions must be at least 1, and at most {MAX_PARTITIONS} in the whole broker");
        return refuse(ResponseError::InvalidPartitions, message);
    }
    Ok(())
}

fn create_one(
    core: &Core,
    asked: &CreatableTopic,
    validate_only: bool,
) -> Result<(TopicRow, TopicSettings), Refusal> {
    let name = asked.name.as_str();
    check_name(name)?;
    let _one_at_a_time = lock(&core.administration);
    if core.topics.get(name).is_some() {
        return refuse(ResponseError::TopicAlreadyExists, format!("topic '{name}' already exists"));
    }
    let partitions = partitions_asked(core, asked)?;
    check_room(core, partitions)?;
    let configs: BTreeMap<String, String> = asked
        .configs
        .iter()
        .filter_map(|row| Some((row.name.to_string(), row.value.as_ref()?.to_string())))
        .collect();
    let settings = TopicSettings::parse(configs.clone())
        .map_err(|error| (ResponseError::InvalidConfig, error.to_string()))?;
    let row = TopicRow { id: Uuid::new_v4(), partitions, configs, starts: BTreeMap::new() };
    if validate_only {
        return Ok((TopicRow { id: Uuid::nil(), ..row }, settings));
    }
    let created =
        Entry::TopicCreated { name: name.to_owned(), id: row.id, partitions, configs: row.configs.clone() };
    core.record(created).map_err(|error| (storage_error(error), "cannot write the journal".to_owned()))?;
    core.topics
        .insert(name, &row, true, wall_ms())
        .map_err(|error| (storage_error(error), "cannot open the partitions".to_owned()))?;
    Ok((row, settings))
}

fn partitions_asked(core: &Core, asked: &CreatableTopic) -> Result<i32, Refusal> {
    if !asked.assignments.is_empty() {
        let here = asked.assignments.iter().all(|row| row.broker_ids == [BrokerId(NODE_ID)]);
        if !here || asked.num_partitions > 0 {
            let message = "replicas can only be assigned to this one broker, and then without a count";
            return refuse(ResponseError::InvalidReplicaAssignment, message);
        }
        return Ok(asked.assignments.len() as i32);
    }
    if ![-1, 1].contains(&asked.replication_factor) {
        let message = format!("replication factor {} is larger than one broker", asked.replication_factor);
        return refuse(ResponseError::InvalidReplicationFactor, message);
    }
    match asked.num_partitions {
        -1 => Ok(core.options.default_partitions),
        count => Ok(count),
    }
}

/// Deletes topics with their records and offsets.
pub(super) async fn delete(core: &Core, version: i16, request: &DeleteTopicsRequest) -> DeleteTopicsResponse {
    let mut asked: Vec<(Option<TopicName>, Uuid)> =
        request.topic_names.iter().map(|name| (Some(name.clone()), Uuid::nil())).collect();
    asked.extend(request.topics.iter().map(|topic| (topic.name.clone(), topic.topic_id)));
    let results = asked.into_iter().map(|(name, id)| {
        let by_id = if name.is_none() { core.topics.by_id(id) } else { None };
        let name = name.or_else(|| by_id.map(|topic| super::topic_name(&topic.name)));
        let outcome = match &name {
            Some(name) => delete_one(core, name),
            None => Err(ResponseError::UnknownTopicId),
        };
        let result = DeletableTopicResult::default().with_error_code(super::code(&outcome));
        let result = match outcome {
            Err(error) if version >= DELETE_EXPLAINS => {
                result.with_error_message(Some(text(error.to_string())))
            }
            _ => result,
        };
        if version >= DELETE_BY_ID {
            result.with_name(name).with_topic_id(id)
        } else {
            result.with_name(Some(name.unwrap_or_default()))
        }
    });
    let results = results.collect();
    core.flusher.sync_journal().await.ok();
    DeleteTopicsResponse::default().with_responses(results)
}

fn delete_one(core: &Core, name: &str) -> Result<(), ResponseError> {
    let _one_at_a_time = lock(&core.administration);
    if core.topics.get(name).is_none() {
        return Err(ResponseError::UnknownTopicOrPartition);
    }
    core.record(Entry::TopicDeleted { name: name.to_owned() }).map_err(storage_error)?;
    core.topics.remove(name);
    Ok(())
}

/// Adds partitions to topics.
pub(super) async fn create_partitions(
    core: &Core,
    request: &CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let results = request.topics.iter().map(|asked| {
        let result = CreatePartitionsTopicResult::default().with_name(asked.name.clone());
        match grow_one(core, asked, request.validate_only) {
            Ok(()) => result,
            Err((error, message)) => {
                result.with_error_code(error.code()).with_error_message(Some(text(message)))
            }
        }
    });
    let results = results.collect();
    core.flusher.sync_journal().await.ok();
    CreatePartitionsResponse::default().with_results(results)
}

fn grow_one(core: &Core, asked: &CreatePartitionsTopic, validate_only: bool) -> Result<(), Refusal> {
    let name = asked.name.as_str();
    let _one_at_a_time = lock(&core.administration);
    let Some(topic) = core.topics.get(name) else {
        return refuse(ResponseError::UnknownTopicOrPartition, format!("there is no topic '{name}'"));
    };
    let has = topic.partition_count() as i32;
    if asked.count <= has {
        let message = format!("topic '{name}' has {has} partitions already; the count can only grow");
        return refuse(ResponseError::InvalidPartitions, message);
    }
    check_room(core, asked.count - has)?;
    if validate_only {
        return Ok(());
    }
    let failed = |error| (storage_error(error), "cannot write to the broker's folder".to_owned());
    core.record(Entry::PartitionsAdded { name: name.to_owned(), partitions: asked.count }).map_err(failed)?;
    let row = lock(&core.journal).image().topics.get(name).cloned();
    match row {
        Some(row) => core.topics.grow(&topic, &row, true, wall_ms()).map_err(failed),
        None => Ok(()),
    }
}
