//! The folder or bucket that snapshots lie in, as four blocking calls.
//!
//! [`Bucket`] reaches any store of the `object_store` crate through a small runtime of its own and must be called
//! from a plain thread. [`MemoryObjects`] is for tests and the simulator. Objects are created once and never
//! changed: a zombie's snapshot can add a file, not spoil one.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

/// Longest wait for one call to a store; a snapshot of 100 MB passes a slow line in it.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);

/// A call to the store that failed.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct ObjectsError {
    /// What was attempted, on what.
    pub doing: String,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl ObjectsError {
    /// Wraps a cause.
    pub fn new(
        doing: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { doing: doing.into(), source: source.into() }
    }
}

/// What became of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The object is new.
    Created,
    /// An object of this name was there and was left as it is.
    Existed,
}

/// A store of immutable objects.
pub trait Objects: Send + Sync + std::fmt::Debug {
    /// Creates an object, whole or not at all; never overwrites.
    fn put_new(&self, name: &str, bytes: Vec<u8>) -> Result<Put, ObjectsError>;

    /// Reads an object; `None` when there is none.
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, ObjectsError>;

    /// Full names of the objects inside a folder.
    fn list(&self, folder: &str) -> Result<Vec<String>, ObjectsError>;

    /// Deletes an object; one that is gone already is no error.
    fn delete(&self, name: &str) -> Result<(), ObjectsError>;
}

/// Any store of the `object_store` crate.
#[derive(Debug)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    /// `None` only while it is dropped.
    runtime: Option<tokio::runtime::Runtime>,
}

impl Bucket {
    /// A folder of this machine, created if need be. Written files are synced to disk before they appear.
    pub fn folder(path: &Path) -> Result<Self, ObjectsError> {
        let doing = || format!("opening snapshot folder {}", path.display());
        std::fs::create_dir_all(path).map_err(|source| ObjectsError::new(doing(), source))?;
        let store =
            LocalFileSystem::new_with_prefix(path).map_err(|source| ObjectsError::new(doing(), source))?;
        Self::new(Arc::new(store.with_fsync(true)))
    }

    /// A store that is already set up.
    pub fn new(store: Arc<dyn ObjectStore>) -> Result<Self, ObjectsError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| ObjectsError::new("starting the snapshot store's runtime", source))?;
        Ok(Self { store, runtime: Some(runtime) })
    }

    fn call<T>(
        &self,
        doing: &str,
        name: &str,
        future: impl Future<Output = object_store::Result<T>>,
    ) -> Result<Option<T>, ObjectsError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| {
            ObjectsError::new(format!("{doing} {name}"), source)
        };
        let runtime = self.runtime.as_ref().expect("the runtime is taken by drop alone");
        // The time-out's timer must be made inside the runtime.
        match runtime.block_on(async { tokio::time::timeout(CALL_TIMEOUT, future).await }) {
            Err(elapsed) => Err(failed(elapsed.into())),
            Ok(Err(object_store::Error::NotFound { .. })) => Ok(None),
            Ok(Err(source)) => Err(failed(source.into())),
            Ok(Ok(value)) => Ok(Some(value)),
        }
    }
}

impl Drop for Bucket {
    /// A runtime that is dropped inside an async task panics; shutting it down in the background does not.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Objects for Bucket {
    fn put_new(&self, name: &str, bytes: Vec<u8>) -> Result<Put, ObjectsError> {
        let path = object_store::path::Path::from(name);
        let options = PutOptions::from(PutMode::Create);
        let put = async {
            match self.store.put_opts(&path, PutPayload::from(bytes), options).await {
                Ok(_) => Ok(Put::Created),
                Err(object_store::Error::AlreadyExists { .. }) => Ok(Put::Existed),
                Err(source) => Err(source),
            }
        };
        let put = self.call("creating", name, put)?;
        put.ok_or_else(|| ObjectsError::new(format!("creating {name}"), "the folder or bucket is gone"))
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, ObjectsError> {
        let path = object_store::path::Path::from(name);
        let get = async { self.store.get(&path).await?.bytes().await };
        Ok(self.call("reading", name, get)?.map(Into::into))
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, ObjectsError> {
        let path = object_store::path::Path::from(folder);
        let listed = self.call("listing", folder, self.store.list_with_delimiter(Some(&path)))?;
        let objects = listed.map(|list| list.objects).unwrap_or_default();
        let mut names: Vec<String> = objects.into_iter().map(|object| object.location.into()).collect();
        names.sort();
        Ok(names)
    }

    fn delete(&self, name: &str) -> Result<(), ObjectsError> {
        let path = object_store::path::Path::from(name);
        self.call("deleting", name, self.store.delete(&path)).map(|_| ())
    }
}

/// Objects in memory, for tests and the simulator. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryObjects {
    objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    failures: Arc<AtomicU32>,
}

impl MemoryObjects {
    /// All objects by name.
    pub fn all(&self) -> BTreeMap<String, Vec<u8>> {
        self.lock().clone()
    }

    /// Makes the next calls fail.
    pub fn fail_next(&self, calls: u32) {
        self.failures.store(calls, Ordering::SeqCst);
    }

    fn call(
        &self,
        doing: &str,
        name: &str,
    ) -> Result<MutexGuard<'_, BTreeMap<String, Vec<u8>>>, ObjectsError> {
        let left = self.failures.load(Ordering::SeqCst);
        if left > 0 {
            self.failures.store(left - 1, Ordering::SeqCst);
            return Err(ObjectsError::new(format!("{doing} {name}"), "the memory was told to fail"));
        }
        Ok(self.lock())
    }

    /// Puts bytes in place of an object, as a failing disk would.
    pub fn spoil(&self, name: &str, bytes: Vec<u8>) {
        self.lock().insert(name.to_owned(), bytes);
    }

    /// Every call leaves the map whole, so a poisoned lock still holds a consistent one.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Objects for MemoryObjects {
    fn put_new(&self, name: &str, bytes: Vec<u8>) -> Result<Put, ObjectsError> {
        let mut objects = self.call("creating", name)?;
        if objects.contains_key(name) {
            return Ok(Put::Existed);
        }
        objects.insert(name.to_owned(), bytes);
        Ok(Put::Created)
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, ObjectsError> {
        Ok(self.call("reading", name)?.get(name).cloned())
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, ObjectsError> {
        let prefix = format!("{folder}/");
        let inside = |name: &&String| name.strip_prefix(&prefix).is_some_and(|rest| !rest.contains('/'));
        Ok(self.call("listing", folder)?.keys().filter(inside).cloned().collect())
    }

    fn delete(&self, name: &str) -> Result<(), ObjectsError> {
        self.call("deleting", name)?.remove(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps_the_contract(objects: &dyn Objects) {
        assert_eq!(objects.list("a/b").unwrap(), Vec::<String>::new());
        assert_eq!(objects.get("a/b/one").unwrap(), None);
        objects.delete("a/b/one").unwrap();

        assert_eq!(objects.put_new("a/b/one", vec![1]).unwrap(), Put::Created);
        assert_eq!(objects.put_new("a/b/one", vec![2]).unwrap(), Put::Existed);
        assert_eq!(objects.get("a/b/one").unwrap(), Some(vec![1]), "an object is never overwritten");

        objects.put_new("a/b/two", vec![]).unwrap();
        objects.put_new("a/bc/other", vec![]).unwrap();
        objects.put_new("a/b/c/deeper", vec![]).unwrap();
        assert_eq!(objects.list("a/b").unwrap(), ["a/b/one", "a/b/two"]);

        objects.delete("a/b/one").unwrap();
        assert_eq!(objects.list("a/b").unwrap(), ["a/b/two"]);
    }

    #[test]
    fn memory_keeps_the_contract() {
        keeps_the_contract(&MemoryObjects::default());
    }

    #[test]
    fn a_folder_keeps_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        keeps_the_contract(&Bucket::folder(&folder.path().join("snapshots")).unwrap());
    }
}
