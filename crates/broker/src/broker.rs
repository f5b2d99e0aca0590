//! The broker as its owner sees it: start, ask for the address, stop.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::core::Core;
use crate::error::Error;
use crate::options::BrokerOptions;
use crate::sync::lock;
use crate::{boot, housekeeping, net};

/// A running broker.
///
/// Dropping it without [`Broker::stop`] is like killing the process: nothing acknowledged is lost, and the folder is free
/// as soon as the last running request has noticed.
#[derive(Debug)]
pub struct Broker {
    address: SocketAddr,
    core: Arc<Core>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Broker {
    /// Opens the folder, repairs what a crash left, and starts to serve.
    ///
    /// Runs on the current tokio runtime, of either flavour. File work is short and happens on the serving threads;
    /// syncs and compaction use the blocking pool.
    pub async fn start(options: BrokerOptions) -> Result<Broker, Error> {
        let dir = options.dir.clone();
        fs::create_dir_all(&dir).map_err(Error::folder("create the broker folder", &dir))?;
        let folder = lock_folder(&dir)?;
        let listen = options.listen;
        let failed = |source| Error::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let trust_state = boot::begin(&dir, options.durability)?;
        let core = Arc::new(Core::open(options, address, trust_state, Some(folder))?);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(net::serve(Arc::clone(&core), listener, stop.clone(), tasks.clone()));
        tasks.spawn(housekeeping::run(Arc::clone(&core), stop.clone()));
        tasks.spawn(housekeeping::run_syncs(Arc::clone(&core), stop.clone()));
        let groups = Arc::clone(&core);
        spawn(&tasks, &stop, async move { groups.groups.run_deadlines().await });
        let transactions = Arc::clone(&core);
        spawn(&tasks, &stop, async move {
            transactions.transactions.run_deadlines(transactions.transaction_context()).await;
        });
        tracing::info!(%address, dir = %dir.display(), "broker is listening");
        Ok(Broker { address, core, stop, tasks })
    }

    /// The address the broker listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops serving, forces everything to the disk and notes that the stop was clean.
    pub async fn stop(self) -> Result<(), Error> {
        let dir = self.core.options.dir.clone();
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.core
            .flusher
            .sync_all(&self.core.topics)
            .await
            .map_err(Error::folder("force records to the disk in", &dir))?;
        for partition in self.core.topics.all_partitions() {
            lock(&partition.log).save_state();
        }
        boot::end(&dir)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn spawn(tasks: &TaskTracker, stop: &CancellationToken, work: impl Future<Output = ()> + Send + 'static) {
    let stop = stop.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = work => {}
            () = stop.cancelled() => {}
        }
    });
}

fn lock_folder(dir: &Path) -> Result<File, Error> {
    let path = dir.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Error::folder("write to the broker folder", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::FolderInUse { path: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(Error::folder("lock", path)(source)),
    }
}
