//! Publishing, verifying, pruning and loading the snapshots of one role.
//!
//! Blocking, and without a clock or a thread of its own: the helper thread or a test calls it. A snapshot counts as
//! verified after it was read back and decoded whole; one is deleted only while two newer verified ones exist.

use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_log::Position;

use super::codec::{self, CodecError, Snapshot};
use super::name::{self, FileName};
use super::objects::{Objects, ObjectsError};
use crate::fold::UnitId;
use crate::options::Options;

/// Snapshots kept per unit: the newest, the one to fall back to, and one more while those are in doubt.
const KEEP: usize = 3;
/// Newer verified snapshots that must exist before an old one is deleted.
const VERIFIED_BEFORE_DELETE: usize = 2;

/// The snapshots of one role.
#[derive(Debug)]
pub struct Depot {
    objects: Arc<dyn Objects>,
    app: String,
    role: String,
    epoch: String,
    partitions: u32,
    verified: BTreeSet<String>,
    /// Takes snapshots ahead of the commit: a mutation the tests must catch.
    #[cfg(test)]
    pub(crate) trusting: bool,
}

/// A snapshot that failed to be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The store failed.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// The state could not be encoded.
    #[error("snapshot could not be encoded")]
    Encode(#[source] CodecError),
    /// What was read back is not what was written.
    #[error("snapshot {name} did not read back as it was written")]
    Unverified {
        /// Its name.
        name: String,
    },
}

/// A load that could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The store failed; it may answer later.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// A good snapshot of another partition count.
    #[error("snapshot {name} was written with {found} partitions")]
    Partitions {
        /// Its name.
        name: String,
        /// Partitions it was written with.
        found: u32,
    },
}

/// What a load found.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The newest good snapshot at or before the committed positions, and its name.
    pub found: Option<(String, Snapshot)>,
    /// Newer ones that were not taken, and why.
    pub rejected: Vec<(String, String)>,
}

impl Depot {
    /// The snapshots of the role described by `options`.
    pub fn new(objects: Arc<dyn Objects>, options: &Options) -> Self {
        Self {
            objects,
            app: options.app.clone(),
            role: options.role.clone(),
            epoch: options.epoch.clone(),
            partitions: options.partitions,
            verified: BTreeSet::new(),
            #[cfg(test)]
            trusting: false,
        }
    }

    /// Creates a snapshot, reads it back, and deletes what is no longer needed. Returns its name and size.
    pub fn publish(&mut self, snapshot: &Snapshot) -> Result<(String, usize), PublishError> {
        let unit = snapshot.header.unit();
        let offsets = snapshot.header.inputs.iter().map(|input| input.next_offset).collect();
        let file = FileName { next_offsets: offsets, state_hash: snapshot.header.state_hash.clone() };
        let name = format!("{}/{file}", self.folder(unit));
        let bytes = codec::encode(snapshot).map_err(PublishError::Encode)?;
        let size = bytes.len();
        // One that is there already holds the same state at the same positions, or fails to verify below.
        self.objects.put_new(&name, bytes)?;
        if !self.verify(&name)? {
            return Err(PublishError::Unverified { name });
        }
        self.prune(unit)?;
        Ok((name, size))
    }

    /// Finds the newest good snapshot at or before `committed`, passing over the names in `refused`. Without
    /// committed positions the newest good one is taken: whether it may be used is the caller's to decide.
    pub fn load(
        &self,
        unit: UnitId,
        committed: Option<&[Position]>,
        refused: &BTreeSet<String>,
    ) -> Result<Loaded, LoadError> {
        let mut loaded = Loaded::default();
        for name in self.newest_first(unit)? {
            if refused.contains(&name) {
                loaded.rejected.push((name, "its content was refused".to_owned()));
                continue;
            }
            let Some(bytes) = self.objects.get(&name)? else {
                continue;
            };
            let snapshot = match codec::decode(&bytes) {
                Ok(snapshot) => snapshot,
                Err(error) => {
                    loaded.rejected.push((name, error.to_string()));
                    continue;
                }
            };
            if snapshot.header.partitions != self.partitions {
                return Err(LoadError::Partitions { name, found: snapshot.header.partitions });
            }
            if snapshot.header.unit() != unit {
                loaded.rejected.push((name, format!("it belongs to unit {}", snapshot.header.unit)));
                continue;
            }
            #[cfg(test)]
            let committed = if self.trusting { None } else { committed };
            if let Some(ahead) = committed.and_then(|committed| first_ahead(&snapshot, committed)) {
                loaded.rejected.push((name, format!("it is ahead of the committed position of {ahead}")));
                continue;
            }
            loaded.found = Some((name, snapshot));
            break;
        }
        Ok(loaded)
    }

    fn folder(&self, unit: UnitId) -> String {
        name::folder(&self.app, &self.role, &self.epoch, unit)
    }

    fn newest_first(&self, unit: UnitId) -> Result<Vec<String>, ObjectsError> {
        let names = self.objects.list(&self.folder(unit))?;
        let mut aged: Vec<_> = names
            .into_iter()
            .filter_map(|name| FileName::parse(&name).map(|file| (file.age_order(), name)))
            .collect();
        aged.sort();
        Ok(aged.into_iter().rev().map(|(_, name)| name).collect())
    }

    /// True when the object is there and decodes; remembered, because objects do not change.
    fn verify(&mut self, name: &str) -> Result<bool, ObjectsError> {
        if self.verified.contains(name) {
            return Ok(true);
        }
        let good = self.objects.get(name)?.is_some_and(|bytes| codec::decode(&bytes).is_ok());
        if good {
            self.verified.insert(name.to_owned());
        }
        Ok(good)
    }

    fn prune(&mut self, unit: UnitId) -> Result<(), ObjectsError> {
        let names = self.newest_first(unit)?;
        let mut verified = 0;
        for (index, name) in names.iter().enumerate() {
            if index >= KEEP && verified >= VERIFIED_BEFORE_DELETE {
                self.objects.delete(name)?;
                self.verified.remove(name);
            } else if verified < VERIFIED_BEFORE_DELETE && self.verify(name)? {
                verified += 1;
            }
        }
        Ok(())
    }
}

/// The first input in which the snapshot is ahead of the committed positions. An input without a committed position
/// was never consumed, so any progress in it is ahead.
fn first_ahead(snapshot: &Snapshot, committed: &[Position]) -> Option<String> {
    let ahead = |input: &&codec::InputPosition| {
        let position = input.position();
        let same = committed.iter().find(|committed| committed.partition == position.partition);
        // An input that the role no longer has says nothing.
        same.is_some_and(|committed| input.next_offset > committed.next_offset)
    };
    snapshot.header.inputs.iter().find(ahead).map(|input| input.position().partition.to_string())
}

#[cfg(test)]
mod tests;
