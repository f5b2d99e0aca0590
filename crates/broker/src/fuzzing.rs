//! A broker without sockets, for fuzzing: raw frames in, raw responses out. Not part of the public interface.

use std::path::Path;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::api::Caller;
use crate::core::Core;
use crate::error::Error;
use crate::log::Buffers;
use crate::net::answer;
use crate::options::BrokerOptions;

/// Answers frames as one connection would.
#[derive(Debug)]
pub struct Socketless {
    core: Arc<Core>,
    caller: Caller,
    deadlines: JoinHandle<()>,
}

/// What became of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The response, with its length prefix.
    Response(Bytes),
    /// None was wanted.
    Silence,
    /// The connection would be closed, for this reason.
    Closed(String),
}

impl Socketless {
    /// Opens a folder. Runs on the current tokio runtime.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let local = std::net::SocketAddr::from(([127, 0, 0, 1], 9092));
        let core = Arc::new(Core::open(BrokerOptions::new(local, dir), local, false, None)?);
        let timed = Arc::clone(&core);
        let deadlines = tokio::spawn(async move {
            let transactions = timed.transactions.run_deadlines(timed.transaction_context());
            tokio::join!(timed.groups.run_deadlines(), transactions);
        });
        let caller = Caller {
            client_id: String::new(),
            client_host: "/fuzz".to_owned(),
            signal: Arc::new(Notify::new()),
            buffers: Buffers::default(),
        };
        Ok(Self { core, caller, deadlines })
    }

    /// Answers one frame, given without its length prefix.
    pub async fn answer(&mut self, frame: Bytes) -> Outcome {
        match answer(&self.core, &mut self.caller, frame).await {
            Ok(Some(mut reply)) => Outcome::Response(reply.copy_to_bytes(reply.remaining())),
            Ok(None) => Outcome::Silence,
            Err(fault) => Outcome::Closed(fault.to_string()),
        }
    }
}

impl Drop for Socketless {
    fn drop(&mut self) {
        self.deadlines.abort();
    }
}
