//! All topics by name and by id.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use uuid::Uuid;

use super::partition::Partition;
use super::settings::{SharedSettings, TopicSettings};
use crate::journal::{Image, PartitionRef, TopicRow};
use crate::log::files::Files;
use crate::log::partition::PartitionLog;
use crate::sync::{lock, read, write};

/// Characters of a topic's name that go into its folder's name; the id makes it unique.
const FOLDER_NAME_CHARS: usize = 80;
/// Marks folders that are on their way out.
const DELETED: &str = ".deleted";

/// One topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) id: Uuid,
    partitions: RwLock<Vec<Arc<Partition>>>,
    settings: Arc<RwLock<SharedSettings>>,
}

impl Topic {
    pub(crate) fn partitions(&self) -> Vec<Arc<Partition>> {
        read(&self.partitions).clone()
    }

    pub(crate) fn partition_count(&self) -> usize {
        read(&self.partitions).len()
    }

    pub(crate) fn partition(&self, index: i32) -> Option<Arc<Partition>> {
        read(&self.partitions).get(usize::try_from(index).ok()?).cloned()
    }

    pub(crate) fn settings(&self) -> Arc<TopicSettings> {
        Arc::clone(&read(&self.settings))
    }

    pub(crate) fn set_settings(&self, settings: TopicSettings) {
        *write(&self.settings) = Arc::new(settings);
    }
}

#[derive(Debug, Default)]
struct Inner {
    by_name: BTreeMap<String, Arc<Topic>>,
    by_id: HashMap<Uuid, Arc<Topic>>,
}

/// All topics.
#[derive(Debug)]
pub(crate) struct Topics {
    dir: PathBuf,
    files: Arc<Files>,
    sync_state: bool,
    inner: RwLock<Inner>,
}

impl Topics {
    /// Opens every topic of the journal and removes folders of topics that are gone.
    pub(crate) fn open(
        dir: PathBuf,
        image: &Image,
        sync_state: bool,
        trust_state: bool,
        now: i64,
    ) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        let topics = Self { dir, files: Arc::default(), sync_state, inner: RwLock::default() };
        for (name, row) in &image.topics {
            topics.insert(name, row, trust_state, now)?;
        }
        topics.remove_leftovers(image)?;
        Ok(topics)
    }

    /// Finishes deletions that a stop interrupted. Folders the journal does not know are left alone: better a
    /// forgotten folder than records lost with a lost journal.
    fn remove_leftovers(&self, image: &Image) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let known = image.topics.iter().any(|(topic, row)| name == folder_name(topic, row.id));
            if name.ends_with(DELETED) {
                fs::remove_dir_all(&path)?;
            } else if !known {
                tracing::warn!(path = %path.display(), "the folder belongs to no topic of the journal; left as it is");
            }
        }
        Ok(())
    }

    /// Puts a topic into service.
    pub(crate) fn insert(&self, name: &str, row: &TopicRow, trust_state: bool, now: i64) -> io::Result<()> {
        let settings = TopicSettings::parse(row.configs.clone()).map_err(io::Error::other)?;
        let topic = Arc::new(Topic {
            name: name.to_owned(),
            id: row.id,
            partitions: RwLock::default(),
            settings: Arc::new(RwLock::new(Arc::new(settings))),
        });
        self.grow(&topic, row, trust_state, now)?;
        let mut inner = write(&self.inner);
        inner.by_id.insert(row.id, Arc::clone(&topic));
        inner.by_name.insert(name.to_owned(), topic);
        Ok(())
    }

    /// Opens the partitions a topic does not have in service yet.
    pub(crate) fn grow(&self, topic: &Topic, row: &TopicRow, trust_state: bool, now: i64) -> io::Result<()> {
        let folder = self.dir.join(folder_name(&topic.name, topic.id));
        for index in topic.partition_count() as i32..row.partitions {
            let dir = folder.join(index.to_string());
            let mut log =
                PartitionLog::open(dir, Arc::clone(&self.files), self.sync_state, trust_state, now)?;
            if let Some(start) = row.starts.get(&index) {
                log.delete_before(*start)?;
            }
            let at = PartitionRef { topic: topic.name.clone(), partition: index };
            let partition = Partition::new(at, log, Arc::clone(&topic.settings));
            write(&topic.partitions).push(Arc::new(partition));
        }
        Ok(())
    }

    /// Takes a topic out of service and removes its files. What cannot be removed is removed at the next start.
    pub(crate) fn remove(&self, name: &str) {
        let topic = {
            let mut inner = write(&self.inner);
            let Some(topic) = inner.by_name.remove(name) else { return };
            inner.by_id.remove(&topic.id);
            topic
        };
        let folder = self.dir.join(folder_name(name, topic.id));
        let deleted = self.dir.join(format!("{}{DELETED}", folder_name(name, topic.id)));
        let renamed = if folder.exists() { fs::rename(&folder, &deleted) } else { Ok(()) };
        for partition in topic.partitions() {
            lock(&partition.log).retire();
            partition.wake(true);
        }
        let removed =
            renamed.and_then(|()| if deleted.exists() { fs::remove_dir_all(&deleted) } else { Ok(()) });
        if let Err(error) = removed {
            tracing::warn!(path = %folder.display(), %error, "cannot remove the folder of a deleted topic");
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Topic>> {
        read(&self.inner).by_name.get(name).cloned()
    }

    pub(crate) fn by_id(&self, id: Uuid) -> Option<Arc<Topic>> {
        read(&self.inner).by_id.get(&id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Topic>> {
        read(&self.inner).by_name.values().cloned().collect()
    }

    pub(crate) fn partition(&self, at: &PartitionRef) -> Option<Arc<Partition>> {
        self.get(&at.topic)?.partition(at.partition)
    }

    pub(crate) fn all_partitions(&self) -> Vec<Arc<Partition>> {
        self.all().iter().flat_map(|topic| topic.partitions()).collect()
    }
}

/// A readable name that cannot collide: a topic deleted and created again gets another folder.
fn folder_name(name: &str, id: Uuid) -> String {
    let readable: String = name.chars().take(FOLDER_NAME_CHARS).collect();
    format!("{readable}@{}", id.simple())
}
