//! What befalls a simulated service: chance, time, crashes, and standing still while the group goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwether_log::sim::{START_MS, Sim, SimProcess, is_crash};

use crate::clock::Clock;
use crate::error::Error;
use crate::failpoint::{Failpoint, Failpoints};
use crate::service::Service;

/// A sequence of chances that a seed decides.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(super) fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// The simulated cluster's clock, as a machine in step with the broker has it. Waiting moves it.
#[derive(Debug)]
pub(super) struct SimClock(pub(super) Sim);

impl Clock for SimClock {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.now_ms() - START_MS).unwrap())
    }

    fn wait(&self, duration: Duration) {
        self.0.advance(i64::try_from(duration.as_millis()).unwrap());
    }
}

/// A place for one service; shared, so that the others can live on while it stands still.
pub(super) type Seat = Arc<Mutex<Option<(SimProcess, Service)>>>;

/// Crashes now and then, and stands still now and then while the group goes on without it.
pub(super) struct Chaos {
    pub(super) random: Random,
    pub(super) raging: Arc<AtomicBool>,
    pub(super) sim: Sim,
    pub(super) process: SimProcess,
    pub(super) everybody: Vec<Seat>,
    pub(super) complaints: Arc<Mutex<Vec<String>>>,
}

impl Failpoints for Chaos {
    fn crashes_at(&mut self, _point: Failpoint) -> bool {
        if !self.raging.load(Ordering::SeqCst) {
            return false;
        }
        if self.random.once_in(100) {
            self.stand_still();
        }
        self.random.once_in(150)
    }
}

impl Chaos {
    /// The process stops for as long as a session takes and is thrown out; the others take over. Then it goes on in
    /// good faith: a zombie.
    fn stand_still(&mut self) {
        self.process.evict();
        for _ in 0..1 + self.random.below(40) {
            self.sim.advance(i64::try_from(self.random.below(1_000)).unwrap());
            for seat in &self.everybody {
                // The one that stands still holds its own lock.
                let Ok(mut held) = seat.try_lock() else { continue };
                let Some((process, service)) = held.as_mut() else { continue };
                if let Err(error) = service.step() {
                    self.complaints.lock().unwrap().extend(expected(error).err());
                    process.crash();
                    *held = None;
                }
            }
        }
    }
}

/// Errors a service may end with while the cluster is ill-treated; any other is a bug.
pub(super) fn expected(error: Error) -> Result<(), String> {
    match &error {
        Error::Crashed { .. } => Ok(()),
        Error::Log { source, .. } if is_crash(source) => Ok(()),
        // The simulator's twin may strike a member more often than it lets itself be fenced.
        Error::Log { source, .. } if source.to_string().contains("fenced time and again") => Ok(()),
        _ => Err(format!("a service ended with: {}", crate::error::chain(&error))),
    }
}
