//! Meaningful requests of every kind in every version served: the seeds of the fuzz test.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use uuid::Uuid;

fn text(value: &'static str) -> StrBytes {
    StrBytes::from_static_str(value)
}

fn topic() -> TopicName {
    TopicName(text("t"))
}

fn group() -> GroupId {
    GroupId(text("g"))
}

fn id() -> TransactionalId {
    TransactionalId(text("tx"))
}

fn batch(transactional: bool) -> Bytes {
    let record = |at: i64| Record {
        transactional,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: if transactional { 0 } else { -1 },
        producer_epoch: if transactional { 0 } else { -1 },
        timestamp_type: TimestampType::Creation,
        offset: at,
        sequence: if transactional { at as i32 } else { -1 },
        timestamp: 1_700_000_000_000 + at,
        key: Some(Bytes::from_static(b"key")),
        value: Some(Bytes::from_static(b"value")),
        headers: Default::default(),
    };
    let records = [record(0), record(1), record(2)];
    let mut out = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut out, &records, &options).unwrap();
    out.freeze()
}

fn versions(
    key: ApiKey,
    range: std::ops::RangeInclusive<i16>,
    make: impl Fn(i16) -> RequestKind,
) -> Vec<(ApiKey, i16, RequestKind)> {
    range.map(|version| (key, version, make(version))).collect()
}

/// All seeds, in an order that lets later ones find what earlier ones made.
pub(crate) fn all() -> Vec<(ApiKey, i16, RequestKind)> {
    let mut all = Vec::new();
    all.extend(versions(ApiKey::ApiVersions, 0..=4, |version| {
        let request = ApiVersionsRequest::default();
        RequestKind::ApiVersions(if version >= 3 {
            request.with_client_software_name(text("fuzz")).with_client_software_version(text("1"))
        } else {
            request
        })
    }));
    all.extend(versions(ApiKey::CreateTopics, 2..=7, create_topics));
    all.extend(metadata());
    all.extend(records());
    all.extend(groups());
    all.extend(offsets());
    all.extend(transactions());
    all.extend(administration());
    all
}

fn create_topics(_: i16) -> RequestKind {
    use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};

    let config =
        CreatableTopicConfig::default().with_name(text("segment.bytes")).with_value(Some(text("20000")));
    let plain = CreatableTopic::default()
        .with_name(topic())
        .with_num_partitions(2)
        .with_replication_factor(1)
        .with_configs(vec![config]);
    let compact =
        CreatableTopicConfig::default().with_name(text("cleanup.policy")).with_value(Some(text("compact")));
    let compacted = CreatableTopic::default()
        .with_name(TopicName(text("c")))
        .with_num_partitions(1)
        .with_replication_factor(-1)
        .with_configs(vec![compact]);
    RequestKind::CreateTopics(
        CreateTopicsRequest::default().with_topics(vec![plain, compacted]).with_timeout_ms(1_000),
    )
}

fn metadata() -> Vec<(ApiKey, i16, RequestKind)> {
    use kafka_protocol::messages::metadata_request::MetadataRequestTopic;

    let mut all = versions(ApiKey::Metadata, 0..=13, |version| {
        let mut topics = vec![MetadataRequestTopic::default().with_name(Some(topic()))];
        if version >= 12 {
            topics.push(MetadataRequestTopic::default().with_name(None).with_topic_id(Uuid::from_u128(5)));
        }
        RequestKind::Metadata(MetadataRequest::default().with_topics(Some(topics)))
    });
    all.extend(versions(ApiKey::Metadata, 1..=13, |_| {
        RequestKind::Metadata(MetadataRequest::default().with_topics(None))
    }));
    all.extend(versions(ApiKey::FindCoordinator, 0..=5, |version| {
        let request = FindCoordinatorRequest::default();
        RequestKind::FindCoordinator(if version >= 4 {
            request.with_coordinator_keys(vec![text("g"), text("h")])
        } else {
            request.with_key(text("g"))
        })
    }));
    all.extend(versions(ApiKey::DescribeCluster, 0..=1, |_| {
        RequestKind::DescribeCluster(DescribeClusterRequest::default())
    }));
    all
}

fn records() -> Vec<(ApiKey, i16, RequestKind)> {
    use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
    use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
    use kafka_protocol::messages::offset_for_leader_epoch_request::{
        OffsetForLeaderPartition, OffsetForLeaderTopic,
    };
    use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};

    let mut all = versions(ApiKey::Produce, 3..=11, |version| {
        let data = |index| {
            PartitionProduceData::default().with_index(index).with_records(Some(batch(version % 2 == 0)))
        };
        let topic = |name| {
            TopicProduceData::default()
                .with_name(TopicName(text(name)))
                .with_partition_data(vec![data(0), data(9)])
        };
        RequestKind::Produce(
            ProduceRequest::default()
                .with_acks(-1)
                .with_timeout_ms(100)
                .with_transactional_id((version % 2 == 0).then(id))
                .with_topic_data(vec![topic("t"), topic("c")]),
        )
    });
    all.extend(versions(ApiKey::Fetch, 4..=16, |version| {
        let partition = FetchPartition::default().with_partition(0).with_partition_max_bytes(10_000);
        let named = FetchTopic::default().with_partitions(vec![partition]);
        let named =
            if version >= 13 { named.with_topic_id(Uuid::from_u128(5)) } else { named.with_topic(topic()) };
        RequestKind::Fetch(
            FetchRequest::default()
                .with_max_wait_ms(100)
                .with_min_bytes(1)
                .with_max_bytes(100_000)
                .with_isolation_level(1)
                .with_topics(vec![named]),
        )
    }));
    all.extend(versions(ApiKey::ListOffsets, 1..=9, |version| {
        let at =
            |timestamp| ListOffsetsPartition::default().with_partition_index(0).with_timestamp(timestamp);
        let partitions = vec![at(-1), at(-2), at(-3), at(1_700_000_000_001)];
        let topic = ListOffsetsTopic::default().with_name(topic()).with_partitions(partitions);
        let request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
        RequestKind::ListOffsets(if version >= 2 { request.with_isolation_level(1) } else { request })
    }));
    all.extend(versions(ApiKey::OffsetForLeaderEpoch, 2..=4, |_| {
        let partition = OffsetForLeaderPartition::default().with_partition(0).with_leader_epoch(0);
        let topic = OffsetForLeaderTopic::default().with_topic(topic()).with_partitions(vec![partition]);
        RequestKind::OffsetForLeaderEpoch(OffsetForLeaderEpochRequest::default().with_topics(vec![topic]))
    }));
    all
}

fn groups() -> Vec<(ApiKey, i16, RequestKind)> {
    use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
    use kafka_protocol::messages::leave_group_request::MemberIdentity;
    use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;

    let mut all = versions(ApiKey::JoinGroup, 0..=9, |version| {
        let protocol = JoinGroupRequestProtocol::default()
            .with_name(text("range"))
            .with_metadata(Bytes::from_static(b"metadata"));
        let request = JoinGroupRequest::default()
            .with_group_id(group())
            .with_session_timeout_ms(1_000)
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol]);
        let request = if version >= 1 { request.with_rebalance_timeout_ms(1_000) } else { request };
        RequestKind::JoinGroup(if version >= 5 && version % 2 == 1 {
            request.with_group_instance_id(Some(text("static")))
        } else {
            request
        })
    });
    all.extend(versions(ApiKey::SyncGroup, 0..=5, |_| {
        let row = SyncGroupRequestAssignment::default()
            .with_member_id(text("m"))
            .with_assignment(Bytes::from_static(b"all"));
        RequestKind::SyncGroup(
            SyncGroupRequest::default()
                .with_group_id(group())
                .with_generation_id(1)
                .with_member_id(text("m"))
                .with_assignments(vec![row]),
        )
    }));
    all.extend(versions(ApiKey::Heartbeat, 0..=4, |_| {
        let request = HeartbeatRequest::default().with_group_id(group()).with_member_id(text("m"));
        RequestKind::Heartbeat(request.with_generation_id(1))
    }));
    all.extend(versions(ApiKey::LeaveGroup, 0..=5, |version| {
        let request = LeaveGroupRequest::default().with_group_id(group());
        RequestKind::LeaveGroup(if version >= 3 {
            request.with_members(vec![MemberIdentity::default().with_member_id(text("m"))])
        } else {
            request.with_member_id(text("m"))
        })
    }));
    all.extend(versions(ApiKey::DescribeGroups, 0..=5, |_| {
        RequestKind::DescribeGroups(DescribeGroupsRequest::default().with_groups(vec![group()]))
    }));
    all.extend(versions(ApiKey::ListGroups, 0..=5, |version| {
        let request = ListGroupsRequest::default();
        RequestKind::ListGroups(if version >= 4 {
            request.with_states_filter(vec![text("Stable"), text("Empty")])
        } else {
            request
        })
    }));
    all
}

fn offsets() -> Vec<(ApiKey, i16, RequestKind)> {
    use kafka_protocol::messages::offset_commit_request::{
        OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    };
    use kafka_protocol::messages::offset_delete_request::{
        OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
    };
    use kafka_protocol::messages::offset_fetch_request::{
        OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    };

    let mut all = versions(ApiKey::OffsetCommit, 2..=9, |_| {
        let row = OffsetCommitRequestPartition::default()
            .with_partition_index(0)
            .with_committed_offset(3)
            .with_committed_metadata(Some(text("note")));
        let topic = OffsetCommitRequestTopic::default().with_name(topic()).with_partitions(vec![row]);
        RequestKind::OffsetCommit(
            OffsetCommitRequest::default()
                .with_group_id(GroupId(text("plain")))
                .with_generation_id_or_member_epoch(-1)
                .with_topics(vec![topic]),
        )
    });
    all.extend(versions(ApiKey::OffsetFetch, 1..=9, |version| {
        let request = OffsetFetchRequest::default();
        RequestKind::OffsetFetch(if version >= 8 {
            let topics =
                OffsetFetchRequestTopics::default().with_name(topic()).with_partition_indexes(vec![0, 1]);
            let named = OffsetFetchRequestGroup::default()
                .with_group_id(GroupId(text("plain")))
                .with_topics(Some(vec![topics]));
            let all =
                OffsetFetchRequestGroup::default().with_group_id(GroupId(text("plain"))).with_topics(None);
            request.with_groups(vec![named, all]).with_require_stable(true)
        } else {
            let topics =
                OffsetFetchRequestTopic::default().with_name(topic()).with_partition_indexes(vec![0, 1]);
            request.with_group_id(GroupId(text("plain"))).with_topics(Some(vec![topics]))
        })
    }));
    all.extend(versions(ApiKey::OffsetDelete, 0..=0, |_| {
        let row = OffsetDeleteRequestPartition::default().with_partition_index(0);
        let topic = OffsetDeleteRequestTopic::default().with_name(topic()).with_partitions(vec![row]);
        let request = OffsetDeleteRequest::default().with_group_id(GroupId(text("plain")));
        RequestKind::OffsetDelete(request.with_topics(vec![topic]))
    }));
    all.extend(versions(ApiKey::DeleteGroups, 0..=2, |_| {
        RequestKind::DeleteGroups(
            DeleteGroupsRequest::default().with_groups_names(vec![GroupId(text("plain"))]),
        )
    }));
    all
}

fn transactions() -> Vec<(ApiKey, i16, RequestKind)> {
    use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
    use kafka_protocol::messages::txn_offset_commit_request::{
        TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
    };

    let mut all = versions(ApiKey::InitProducerId, 0..=5, |_| {
        RequestKind::InitProducerId(
            InitProducerIdRequest::default()
                .with_transactional_id(Some(id()))
                .with_transaction_timeout_ms(60_000),
        )
    });
    all.extend(versions(ApiKey::AddPartitionsToTxn, 0..=3, |_| {
        let topic = AddPartitionsToTxnTopic::default().with_name(topic()).with_partitions(vec![0]);
        RequestKind::AddPartitionsToTxn(
            AddPartitionsToTxnRequest::default()
                .with_v3_and_below_transactional_id(id())
                .with_v3_and_below_producer_id(ProducerId(0))
                .with_v3_and_below_producer_epoch(5)
                .with_v3_and_below_topics(vec![topic]),
        )
    }));
    all.extend(versions(ApiKey::AddOffsetsToTxn, 0..=4, |_| {
        RequestKind::AddOffsetsToTxn(
            AddOffsetsToTxnRequest::default()
                .with_transactional_id(id())
                .with_producer_id(ProducerId(0))
                .with_producer_epoch(5)
                .with_group_id(GroupId(text("plain"))),
        )
    }));
    all.extend(versions(ApiKey::TxnOffsetCommit, 0..=4, |_| {
        let row = TxnOffsetCommitRequestPartition::default().with_partition_index(0).with_committed_offset(8);
        let topic = TxnOffsetCommitRequestTopic::default().with_name(topic()).with_partitions(vec![row]);
        RequestKind::TxnOffsetCommit(
            TxnOffsetCommitRequest::default()
                .with_transactional_id(id())
                .with_group_id(GroupId(text("plain")))
                .with_producer_id(ProducerId(0))
                .with_producer_epoch(5)
                .with_topics(vec![topic]),
        )
    }));
    all.extend(versions(ApiKey::DescribeTransactions, 0..=0, |_| {
        RequestKind::DescribeTransactions(
            DescribeTransactionsRequest::default().with_transactional_ids(vec![id()]),
        )
    }));
    all.extend(versions(ApiKey::ListTransactions, 0..=1, |_| {
        RequestKind::ListTransactions(ListTransactionsRequest::default())
    }));
    all.extend(versions(ApiKey::EndTxn, 0..=4, |version| {
        RequestKind::EndTxn(
            EndTxnRequest::default()
                .with_transactional_id(id())
                .with_producer_id(ProducerId(0))
                .with_producer_epoch(5)
                .with_committed(version % 2 == 0),
        )
    }));
    all
}

fn administration() -> Vec<(ApiKey, i16, RequestKind)> {
    use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
    use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
    use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
    use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
    use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
    use kafka_protocol::messages::describe_producers_request::TopicRequest;
    use kafka_protocol::messages::{alter_configs_request, incremental_alter_configs_request};

    let mut all = versions(ApiKey::DescribeConfigs, 1..=4, |_| {
        let resource = |kind, name| {
            DescribeConfigsResource::default().with_resource_type(kind).with_resource_name(text(name))
        };
        let request = DescribeConfigsRequest::default().with_resources(vec![
            resource(2, "t"),
            resource(4, "1"),
            resource(2, "none"),
        ]);
        RequestKind::DescribeConfigs(request.with_include_synonyms(true))
    });
    all.extend(versions(ApiKey::AlterConfigs, 0..=2, |_| {
        let config = alter_configs_request::AlterableConfig::default()
            .with_name(text("retention.ms"))
            .with_value(Some(text("100000000")));
        let resource = alter_configs_request::AlterConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(text("t"))
            .with_configs(vec![config]);
        RequestKind::AlterConfigs(AlterConfigsRequest::default().with_resources(vec![resource]))
    }));
    all.extend(versions(ApiKey::IncrementalAlterConfigs, 0..=1, |version| {
        let config = incremental_alter_configs_request::AlterableConfig::default()
            .with_name(text("cleanup.policy"))
            .with_config_operation(2 + version as i8)
            .with_value(Some(text("compact")));
        let resource = incremental_alter_configs_request::AlterConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(text("t"))
            .with_configs(vec![config]);
        let request = IncrementalAlterConfigsRequest::default();
        RequestKind::IncrementalAlterConfigs(request.with_resources(vec![resource]))
    }));
    all.extend(versions(ApiKey::CreatePartitions, 0..=3, |version| {
        let topic = CreatePartitionsTopic::default().with_name(topic()).with_count(3 + i32::from(version));
        RequestKind::CreatePartitions(CreatePartitionsRequest::default().with_topics(vec![topic]))
    }));
    all.extend(versions(ApiKey::DeleteRecords, 0..=2, |_| {
        let row = DeleteRecordsPartition::default().with_partition_index(0).with_offset(1);
        let topic = DeleteRecordsTopic::default().with_name(topic()).with_partitions(vec![row]);
        RequestKind::DeleteRecords(DeleteRecordsRequest::default().with_topics(vec![topic]))
    }));
    all.extend(versions(ApiKey::DescribeProducers, 0..=0, |_| {
        let topic = TopicRequest::default().with_name(topic()).with_partition_indexes(vec![0, 9]);
        RequestKind::DescribeProducers(DescribeProducersRequest::default().with_topics(vec![topic]))
    }));
    all.extend(versions(ApiKey::DescribeLogDirs, 1..=4, |_| {
        let topic = DescribableLogDirTopic::default().with_topic(topic()).with_partitions(vec![0, 9]);
        RequestKind::DescribeLogDirs(DescribeLogDirsRequest::default().with_topics(Some(vec![topic])))
    }));
    all.extend(versions(ApiKey::DeleteTopics, 1..=6, |version| {
        let request = DeleteTopicsRequest::default();
        RequestKind::DeleteTopics(if version >= 6 {
            let by_name = DeleteTopicState::default().with_name(Some(TopicName(text("none"))));
            let by_id = DeleteTopicState::default().with_name(None).with_topic_id(Uuid::from_u128(5));
            request.with_topics(vec![by_name, by_id])
        } else {
            request.with_topic_names(vec![TopicName(text("none"))])
        })
    }));
    all
}
