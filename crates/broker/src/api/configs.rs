//! Describing and changing settings. Topics have settings; the broker itself describes none and takes none, its options
//! are given at start.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse as IncrementalResponse;
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::{storage_error, text};
use crate::core::{Core, NODE_ID};
use crate::journal::Entry;
use crate::sync::lock;
use crate::topics::{ConfigKind, SETTINGS, Setting, Topic, TopicSettings};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
/// Where a value comes from.
const SOURCE_TOPIC: i8 = 1;
const SOURCE_DEFAULT: i8 = 5;
/// First version that tells types.
const TYPES: i16 = 3;

type Refusal = (ResponseError, String);

/// The source of a value as told to clients.
pub(super) fn source_of(explicit: bool) -> i8 {
    if explicit { SOURCE_TOPIC } else { SOURCE_DEFAULT }
}

/// Every setting of a topic: its value and whether it was set explicitly.
pub(super) fn describe_topic(settings: &TopicSettings) -> Vec<(&'static Setting, String, bool)> {
    let row = |setting: &'static Setting| {
        let explicit = settings.explicit().get(setting.name);
        (setting, explicit.map_or(setting.default, String::as_str).to_owned(), explicit.is_some())
    };
    SETTINGS.iter().map(row).collect()
}

fn kind_code(kind: ConfigKind) -> i8 {
    match kind {
        ConfigKind::Boolean => 1,
        ConfigKind::Text => 2,
        ConfigKind::Integer => 3,
        ConfigKind::Long => 5,
        ConfigKind::Double => 6,
        ConfigKind::List => 7,
    }
}

/// Describes settings.
pub(super) fn describe(
    core: &Core,
    version: i16,
    request: &DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let results = request.resources.iter().map(|resource| {
        let result = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        match find_topic(core, resource.resource_type, &resource.resource_name) {
            Ok(Some(topic)) => {
                let wanted = |name: &str| {
                    resource
                        .configuration_keys
                        .as_ref()
                        .is_none_or(|keys| keys.iter().any(|key| **key == *name))
                };
                let rows = describe_topic(&topic.settings())
                    .into_iter()
                    .filter(|(setting, ..)| wanted(setting.name))
                    .map(|(setting, value, explicit)| {
                        describe_row(version, setting, value, explicit, request.include_synonyms)
                    });
                result.with_configs(rows.collect())
            }
            Ok(None) => result,
            Err((error, message)) => {
                result.with_error_code(error.code()).with_error_message(Some(text(message)))
            }
        }
    });
    DescribeConfigsResponse::default().with_results(results.collect())
}

fn describe_row(
    version: i16,
    setting: &Setting,
    value: String,
    explicit: bool,
    include_synonyms: bool,
) -> DescribeConfigsResourceResult {
    let synonym = |value: &str, source| {
        DescribeConfigsSynonym::default()
            .with_name(text(setting.name))
            .with_value(Some(text(value)))
            .with_source(source)
    };
    let mut synonyms = Vec::new();
    if include_synonyms {
        if explicit {
            synonyms.push(synonym(&value, SOURCE_TOPIC));
        }
        synonyms.push(synonym(setting.default, SOURCE_DEFAULT));
    }
    let row = DescribeConfigsResourceResult::default()
        .with_name(text(setting.name))
        .with_value(Some(text(value)))
        .with_config_source(source_of(explicit))
        .with_synonyms(synonyms);
    if version >= TYPES { row.with_config_type(kind_code(setting.kind)) } else { row }
}

/// Finds the topic a resource names; `None` stands for the broker itself.
fn find_topic(core: &Core, kind: i8, name: &str) -> Result<Option<Arc<Topic>>, Refusal> {
    match kind {
        TOPIC => match core.topics.get(name) {
            Some(topic) => Ok(Some(topic)),
            None => Err((ResponseError::UnknownTopicOrPartition, format!("there is no topic '{name}'"))),
        },
        BROKER if name.is_empty() || *name == NODE_ID.to_string() => Ok(None),
        _ => Err((ResponseError::InvalidRequest, "only topics and this broker have settings".to_owned())),
    }
}

/// Replaces the explicit settings of topics.
pub(super) fn alter(core: &Core, request: &AlterConfigsRequest) -> AlterConfigsResponse {
    let responses = request.resources.iter().map(|resource| {
        let explicit = || {
            let row = |(name, value): (&StrBytes, &Option<StrBytes>)| {
                Some((name.to_string(), value.as_ref()?.to_string()))
            };
            Ok(resource.configs.iter().filter_map(|config| row((&config.name, &config.value))).collect())
        };
        let changed =
            change(core, resource.resource_type, &resource.resource_name, request.validate_only, |_| {
                explicit()
            });
        let (code, message) = told(changed);
        AlterConfigsResourceResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
            .with_error_code(code)
            .with_error_message(message)
    });
    AlterConfigsResponse::default().with_responses(responses.collect())
}

/// Changes single settings of topics.
pub(super) fn alter_incrementally(
    core: &Core,
    request: &IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let responses = request.resources.iter().map(|resource| {
        let changed =
            change(core, resource.resource_type, &resource.resource_name, request.validate_only, |topic| {
                let mut explicit = topic.explicit().clone();
                for config in &resource.configs {
                    let value = config.value.as_ref().map(ToString::to_string);
                    apply(topic, &mut explicit, &config.name, config.config_operation, value)?;
                }
                Ok(explicit)
            });
        let (code, message) = told(changed);
        IncrementalResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
            .with_error_code(code)
            .with_error_message(message)
    });
    IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
}

/// Applies one operation: 0 sets, 1 deletes, 2 appends to a list, 3 subtracts from a list.
fn apply(
    topic: &TopicSettings,
    explicit: &mut BTreeMap<String, String>,
    name: &str,
    operation: i8,
    value: Option<String>,
) -> Result<(), Refusal> {
    let missing = || (ResponseError::InvalidRequest, format!("setting {name} needs a value"));
    let current = || {
        let (.., value, _) = describe_topic(topic).into_iter().find(|(setting, ..)| setting.name == name)?;
        Some(value)
    };
    let items = |list: &str| -> Vec<String> {
        list.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    match operation {
        0 => drop(explicit.insert(name.to_owned(), value.ok_or_else(missing)?)),
        1 => drop(explicit.remove(name)),
        2 | 3 => {
            let change = items(&value.ok_or_else(missing)?);
            let mut list = items(&current().unwrap_or_default());
            list.retain(|item| !change.contains(item));
            if operation == 2 {
                list.extend(change);
            }
            explicit.insert(name.to_owned(), list.join(","));
        }
        _ => return Err((ResponseError::InvalidRequest, format!("unknown operation {operation}"))),
    }
    Ok(())
}

fn change(
    core: &Core,
    kind: i8,
    name: &str,
    validate_only: bool,
    next: impl FnOnce(&TopicSettings) -> Result<BTreeMap<String, String>, Refusal>,
) -> Result<(), Refusal> {
    let _one_at_a_time = lock(&core.administration);
    let Some(topic) = find_topic(core, kind, name)? else {
        let message = "the broker's options are given at its start and cannot be changed".to_owned();
        return Err((ResponseError::InvalidConfig, message));
    };
    let configs = next(&topic.settings())?;
    let settings = TopicSettings::parse(configs.clone())
        .map_err(|error| (ResponseError::InvalidConfig, error.to_string()))?;
    if validate_only {
        return Ok(());
    }
    let set = Entry::ConfigsSet { name: name.to_owned(), configs };
    core.record(set).map_err(|error| (storage_error(error), "cannot write the journal".to_owned()))?;
    topic.set_settings(settings);
    Ok(())
}

fn told(outcome: Result<(), Refusal>) -> (i16, Option<StrBytes>) {
    match outcome {
        Ok(()) => (0, None),
        Err((error, message)) => (error.code(), Some(text(message))),
    }
}
