//! The topics of the broker and their partitions, as the request handlers find them. Creation and deletion go through
//! the journal first.

mod partition;
mod registry;
mod settings;

pub(crate) use partition::{Partition, ReaderSignal};
pub(crate) use registry::{Topic, Topics};
pub(crate) use settings::{ConfigKind, SETTINGS, Setting, TopicSettings};
