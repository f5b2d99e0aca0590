//! Views for administrators: the cluster, active producers, transactions.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::messages::describe_producers_response::{
    PartitionResponse, ProducerState, TopicResponse,
};
use kafka_protocol::messages::describe_transactions_response::{TopicData, TransactionState};
use kafka_protocol::messages::list_transactions_response::TransactionState as ListedTransaction;
use kafka_protocol::messages::{
    BrokerId, DescribeClusterRequest, DescribeClusterResponse, DescribeLogDirsRequest,
    DescribeLogDirsResponse, DescribeProducersRequest, DescribeProducersResponse,
    DescribeTransactionsRequest, DescribeTransactionsResponse, ListTransactionsRequest,
    ListTransactionsResponse, ProducerId, TransactionalId,
};

use super::{text, topic_name};
use crate::clock::wall_ms;
use crate::core::{Core, NODE_ID};
use crate::sync::lock;
use crate::topics::Partition;
use crate::txn::TransactionView;

/// The endpoints asked for are those of brokers, not of controllers.
const BROKER_ENDPOINTS: i8 = 1;

/// Describes the one node.
pub(super) fn cluster(
    core: &Core,
    version: i16,
    request: &DescribeClusterRequest,
) -> DescribeClusterResponse {
    if version >= 1 && request.endpoint_type != BROKER_ENDPOINTS {
        return DescribeClusterResponse::default()
            .with_error_code(ResponseError::UnsupportedEndpointType.code())
            .with_endpoint_type(request.endpoint_type);
    }
    let (host, port) = &core.advertised;
    let broker = DescribeClusterBroker::default()
        .with_broker_id(BrokerId(NODE_ID))
        .with_host(text(host.as_str()))
        .with_port(i32::from(*port));
    DescribeClusterResponse::default()
        .with_cluster_id(text(core.cluster_id.as_str()))
        .with_controller_id(BrokerId(NODE_ID))
        .with_brokers(vec![broker])
}

/// Describes the producers that partitions remember.
pub(super) fn producers(core: &Core, request: &DescribeProducersRequest) -> DescribeProducersResponse {
    let topics = request.topics.iter().map(|asked| {
        let topic = core.topics.get(&asked.name);
        let rows = asked.partition_indexes.iter().map(|index| {
            let row = PartitionResponse::default().with_partition_index(*index);
            match topic.as_ref().and_then(|topic| topic.partition(*index)) {
                Some(partition) => row.with_active_producers(producer_states(&partition)),
                None => row.with_error_code(ResponseError::UnknownTopicOrPartition.code()),
            }
        });
        TopicResponse::default().with_name(asked.name.clone()).with_partitions(rows.collect())
    });
    DescribeProducersResponse::default().with_topics(topics.collect())
}

fn producer_states(partition: &Partition) -> Vec<ProducerState> {
    let log = lock(&partition.log);
    let row = |(id, producer): (i64, &crate::log::producers::Producer)| {
        ProducerState::default()
            .with_producer_id(ProducerId(id))
            .with_producer_epoch(i32::from(producer.epoch))
            .with_last_sequence(producer.last_sequence())
            .with_last_timestamp(producer.last_seen)
            .with_current_txn_start_offset(producer.open_since.unwrap_or(-1))
    };
    log.producers.iter().map(row).collect()
}

/// Describes transactional ids.
pub(super) fn transactions(
    core: &Core,
    request: &DescribeTransactionsRequest,
) -> DescribeTransactionsResponse {
    let views = core.transactions.views();
    let states = request.transactional_ids.iter().map(|id| {
        let state = TransactionState::default().with_transactional_id(id.clone());
        match views.iter().find(|view| view.transactional_id == id.as_str()) {
            Some(view) => transaction_state(state, view),
            None => state.with_error_code(ResponseError::TransactionalIdNotFound.code()),
        }
    });
    DescribeTransactionsResponse::default().with_transaction_states(states.collect())
}

fn transaction_state(state: TransactionState, view: &TransactionView) -> TransactionState {
    let mut topics: Vec<TopicData> = Vec::new();
    for at in &view.partitions {
        match topics.last_mut().filter(|topic| *topic.topic.0 == *at.topic) {
            Some(topic) => topic.partitions.push(at.partition),
            None => topics.push(
                TopicData::default().with_topic(topic_name(&at.topic)).with_partitions(vec![at.partition]),
            ),
        }
    }
    state
        .with_transaction_state(text(view.state))
        .with_transaction_timeout_ms(view.timeout_ms)
        .with_transaction_start_time_ms(view.started_at.unwrap_or(-1))
        .with_producer_id(ProducerId(view.producer.id))
        .with_producer_epoch(view.producer.epoch)
        .with_topics(topics)
}

/// Lists transactional ids.
pub(super) fn list_transactions(core: &Core, request: &ListTransactionsRequest) -> ListTransactionsResponse {
    let now = wall_ms();
    let wanted = |view: &TransactionView| {
        let state = request.state_filters.is_empty()
            || request.state_filters.iter().any(|state| **state == *view.state);
        let producer = request.producer_id_filters.is_empty()
            || request.producer_id_filters.contains(&ProducerId(view.producer.id));
        let long_enough = request.duration_filter < 0
            || view.started_at.is_some_and(|started| now - started >= request.duration_filter);
        state && producer && long_enough
    };
    let listed = core.transactions.views().into_iter().filter(wanted).map(|view| {
        ListedTransaction::default()
            .with_transactional_id(TransactionalId(text(view.transactional_id)))
            .with_producer_id(ProducerId(view.producer.id))
            .with_transaction_state(text(view.state))
    });
    ListTransactionsResponse::default().with_transaction_states(listed.collect())
}

/// Describes the one folder and what partitions take of it.
pub(super) fn log_dirs(
    core: &Core,
    version: i16,
    request: &DescribeLogDirsRequest,
) -> DescribeLogDirsResponse {
    let wanted = |topic: &str, index: i32| match &request.topics {
        None => true,
        Some(topics) => {
            topics.iter().any(|row| row.topic.as_str() == topic && row.partitions.contains(&index))
        }
    };
    let topics = core.topics.all().into_iter().filter_map(|topic| {
        let sizes =
            topic.partitions().into_iter().filter(|partition| wanted(&topic.name, partition.at.partition));
        let rows: Vec<_> = sizes
            .map(|partition| {
                let size = i64::try_from(lock(&partition.log).size()).unwrap_or(i64::MAX);
                DescribeLogDirsPartition::default()
                    .with_partition_index(partition.at.partition)
                    .with_partition_size(size)
            })
            .collect();
        let row = DescribeLogDirsTopic::default().with_name(topic_name(&topic.name));
        (!rows.is_empty()).then(|| row.with_partitions(rows))
    });
    let dir = DescribeLogDirsResult::default()
        .with_log_dir(text(core.options.dir.display().to_string()))
        .with_topics(topics.collect());
    // Room on the disk is not measured; -1 says so.
    let dir = if version >= 4 { dir.with_total_bytes(-1).with_usable_bytes(-1) } else { dir };
    DescribeLogDirsResponse::default().with_results(vec![dir])
}
