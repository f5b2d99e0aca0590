//! The requests served, their versions, and how their bytes are laid out: just enough to check lengths before
//! the decoder trusts them. A test holds this table against the decoder in every version.

use Shape::{Blob, Fixed, List, Scalars, Text};
use kafka_protocol::messages::ApiKey;

/// The shape of one value on the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// This many bytes.
    Fixed(usize),
    /// A length-prefixed string, possibly absent.
    Text,
    /// Length-prefixed bytes, possibly absent.
    Blob,
    /// A counted list of structures, possibly absent.
    List(&'static [Field]),
    /// A counted list of plain values, possibly absent.
    Scalars(&'static Shape),
}

/// A value and the versions that have it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) since: i16,
    pub(crate) until: i16,
    pub(crate) shape: Shape,
}

/// One kind of request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) key: ApiKey,
    /// Lowest version served.
    pub(crate) min: i16,
    /// Highest version served.
    pub(crate) max: i16,
    /// First version with compact lengths and tagged fields.
    pub(crate) flexible: i16,
    pub(crate) fields: &'static [Field],
}

/// No version is flexible.
const NEVER: i16 = i16::MAX;

const fn always(shape: Shape) -> Field {
    Field { since: 0, until: i16::MAX, shape }
}

const fn since(version: i16, shape: Shape) -> Field {
    Field { since: version, until: i16::MAX, shape }
}

const fn until(version: i16, shape: Shape) -> Field {
    Field { since: 0, until: version, shape }
}

const fn between(since: i16, until: i16, shape: Shape) -> Field {
    Field { since, until, shape }
}

const fn layout(key: ApiKey, min: i16, max: i16, flexible: i16, fields: &'static [Field]) -> Layout {
    Layout { key, min, max, flexible, fields }
}

/// Finds the layout of a request.
pub(crate) fn layout_of(key: i16) -> Option<&'static Layout> {
    LAYOUTS.iter().find(|layout| layout.key as i16 == key)
}

/// Every request served. The versions end where a feature would have to be promised that is not here: Produce,
/// EndTxn and their relatives before the second transaction protocol, OffsetFetch and OffsetCommit before topic ids.
pub(crate) const LAYOUTS: &[Layout] = &[
    layout(
        ApiKey::Produce,
        3,
        11,
        9,
        &[
            always(Text),
            always(Fixed(2)),
            always(Fixed(4)),
            always(List(&[always(Text), always(List(&[always(Fixed(4)), always(Blob)]))])),
        ],
    ),
    layout(
        ApiKey::Fetch,
        4,
        16,
        12,
        &[
            until(14, Fixed(4)),
            always(Fixed(4)),
            always(Fixed(4)),
            always(Fixed(4)),
            always(Fixed(1)),
            since(7, Fixed(4)),
            since(7, Fixed(4)),
            always(List(&[
                until(12, Text),
                since(13, Fixed(16)),
                always(List(&[
                    always(Fixed(4)),
                    since(9, Fixed(4)),
                    always(Fixed(8)),
                    since(12, Fixed(4)),
                    since(5, Fixed(8)),
                    always(Fixed(4)),
                ])),
            ])),
            since(7, List(&[between(7, 12, Text), since(13, Fixed(16)), since(7, Scalars(&Fixed(4)))])),
            since(11, Text),
        ],
    ),
    layout(
        ApiKey::ListOffsets,
        1,
        9,
        6,
        &[
            always(Fixed(4)),
            since(2, Fixed(1)),
            always(List(&[
                always(Text),
                always(List(&[always(Fixed(4)), since(4, Fixed(4)), always(Fixed(8))])),
            ])),
        ],
    ),
    layout(
        ApiKey::Metadata,
        0,
        13,
        9,
        &[
            always(List(&[since(10, Fixed(16)), always(Text)])),
            since(4, Fixed(1)),
            between(8, 10, Fixed(1)),
            since(8, Fixed(1)),
        ],
    ),
    layout(
        ApiKey::OffsetCommit,
        2,
        9,
        8,
        &[
            always(Text),
            always(Fixed(4)),
            always(Text),
            since(7, Text),
            until(4, Fixed(8)),
            always(List(&[
                always(Text),
                always(List(&[always(Fixed(4)), always(Fixed(8)), since(6, Fixed(4)), always(Text)])),
            ])),
        ],
    ),
    layout(
        ApiKey::OffsetFetch,
        1,
        9,
        6,
        &[
            until(7, Text),
            until(7, List(&[always(Text), always(Scalars(&Fixed(4)))])),
            since(
                8,
                List(&[
                    always(Text),
                    since(9, Text),
                    since(9, Fixed(4)),
                    always(List(&[always(Text), always(Scalars(&Fixed(4)))])),
                ]),
            ),
            since(7, Fixed(1)),
        ],
    ),
    layout(ApiKey::FindCoordinator, 0, 5, 3, &[until(3, Text), since(1, Fixed(1)), since(4, Scalars(&Text))]),
    layout(
        ApiKey::JoinGroup,
        0,
        9,
        6,
        &[
            always(Text),
            always(Fixed(4)),
            since(1, Fixed(4)),
            always(Text),
            since(5, Text),
            always(Text),
            always(List(&[always(Text), always(Blob)])),
            since(8, Text),
        ],
    ),
    layout(ApiKey::Heartbeat, 0, 4, 4, &[always(Text), always(Fixed(4)), always(Text), since(3, Text)]),
    layout(
        ApiKey::LeaveGroup,
        0,
        5,
        4,
        &[always(Text), until(2, Text), since(3, List(&[always(Text), always(Text), since(5, Text)]))],
    ),
    layout(
        ApiKey::SyncGroup,
        0,
        5,
        4,
        &[
            always(Text),
            always(Fixed(4)),
            always(Text),
            since(3, Text),
            since(5, Text),
            since(5, Text),
            always(List(&[always(Text), always(Blob)])),
        ],
    ),
    layout(ApiKey::DescribeGroups, 0, 5, 5, &[always(Scalars(&Text)), since(3, Fixed(1))]),
    layout(ApiKey::ListGroups, 0, 5, 3, &[since(4, Scalars(&Text)), since(5, Scalars(&Text))]),
    layout(ApiKey::ApiVersions, 0, 4, 3, &[since(3, Text), since(3, Text)]),
    layout(
        ApiKey::CreateTopics,
        2,
        7,
        5,
        &[
            always(List(&[
                always(Text),
                always(Fixed(4)),
                always(Fixed(2)),
                always(List(&[always(Fixed(4)), always(Scalars(&Fixed(4)))])),
                always(List(&[always(Text), always(Text)])),
            ])),
            always(Fixed(4)),
            always(Fixed(1)),
        ],
    ),
    layout(
        ApiKey::DeleteTopics,
        1,
        6,
        4,
        &[since(6, List(&[always(Text), always(Fixed(16))])), until(5, Scalars(&Text)), always(Fixed(4))],
    ),
    layout(
        ApiKey::DeleteRecords,
        0,
        2,
        2,
        &[
            always(List(&[always(Text), always(List(&[always(Fixed(4)), always(Fixed(8))]))])),
            always(Fixed(4)),
        ],
    ),
    layout(
        ApiKey::InitProducerId,
        0,
        5,
        2,
        &[always(Text), always(Fixed(4)), since(3, Fixed(8)), since(3, Fixed(2))],
    ),
    layout(
        ApiKey::OffsetForLeaderEpoch,
        2,
        4,
        4,
        &[
            since(3, Fixed(4)),
            always(List(&[
                always(Text),
                always(List(&[always(Fixed(4)), always(Fixed(4)), always(Fixed(4))])),
            ])),
        ],
    ),
    layout(
        ApiKey::AddPartitionsToTxn,
        0,
        3,
        3,
        &[
            always(Text),
            always(Fixed(8)),
            always(Fixed(2)),
            always(List(&[always(Text), always(Scalars(&Fixed(4)))])),
        ],
    ),
    layout(
        ApiKey::AddOffsetsToTxn,
        0,
        4,
        3,
        &[always(Text), always(Fixed(8)), always(Fixed(2)), always(Text)],
    ),
    layout(ApiKey::EndTxn, 0, 4, 3, &[always(Text), always(Fixed(8)), always(Fixed(2)), always(Fixed(1))]),
    layout(
        ApiKey::TxnOffsetCommit,
        0,
        4,
        3,
        &[
            always(Text),
            always(Text),
            always(Fixed(8)),
            always(Fixed(2)),
            since(3, Fixed(4)),
            since(3, Text),
            since(3, Text),
            always(List(&[
                always(Text),
                always(List(&[always(Fixed(4)), always(Fixed(8)), since(2, Fixed(4)), always(Text)])),
            ])),
        ],
    ),
    layout(
        ApiKey::DescribeConfigs,
        1,
        4,
        4,
        &[
            always(List(&[always(Fixed(1)), always(Text), always(Scalars(&Text))])),
            always(Fixed(1)),
            since(3, Fixed(1)),
        ],
    ),
    layout(
        ApiKey::AlterConfigs,
        0,
        2,
        2,
        &[
            always(List(&[always(Fixed(1)), always(Text), always(List(&[always(Text), always(Text)]))])),
            always(Fixed(1)),
        ],
    ),
    layout(
        ApiKey::CreatePartitions,
        0,
        3,
        2,
        &[
            always(List(&[always(Text), always(Fixed(4)), always(List(&[always(Scalars(&Fixed(4)))]))])),
            always(Fixed(4)),
            always(Fixed(1)),
        ],
    ),
    layout(ApiKey::DeleteGroups, 0, 2, 2, &[always(Scalars(&Text))]),
    layout(
        ApiKey::IncrementalAlterConfigs,
        0,
        1,
        1,
        &[
            always(List(&[
                always(Fixed(1)),
                always(Text),
                always(List(&[always(Text), always(Fixed(1)), always(Text)])),
            ])),
            always(Fixed(1)),
        ],
    ),
    layout(
        ApiKey::OffsetDelete,
        0,
        0,
        NEVER,
        &[always(Text), always(List(&[always(Text), always(List(&[always(Fixed(4))]))]))],
    ),
    layout(ApiKey::DescribeCluster, 0, 1, 0, &[always(Fixed(1)), since(1, Fixed(1))]),
    layout(ApiKey::DescribeProducers, 0, 0, 0, &[always(List(&[always(Text), always(Scalars(&Fixed(4)))]))]),
    layout(ApiKey::DescribeTransactions, 0, 0, 0, &[always(Scalars(&Text))]),
    layout(
        ApiKey::ListTransactions,
        0,
        1,
        0,
        &[always(Scalars(&Text)), always(Scalars(&Fixed(8))), since(1, Fixed(8))],
    ),
    layout(ApiKey::DescribeLogDirs, 1, 4, 2, &[always(List(&[always(Text), always(Scalars(&Fixed(4)))]))]),
];
