//! Clients between two uses: kept for the next one, because connecting costs more than most uses do, and closed when
//! nobody comes, because an idle client wakes three or four threads a second for as long as it lives.
//!
//! Invariants:
//! - What is taken is the taker's alone; only what lies on the shelf is closed.
//! - Closing takes a tenth of a second and happens on a thread of the shelf's own, which lives while something lies
//!   there, sleeps until the oldest is due, and is joined by nobody: it ends when the shelf goes.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a client waits for its next use. A start and a rebalance use theirs again within a second or two.
const REST: Duration = Duration::from_secs(5);

/// Up to so many clients of one kind.
pub(crate) struct Shelf<T: Send + 'static> {
    most: usize,
    rest: Duration,
    inner: Arc<Inner<T>>,
}

struct Inner<T> {
    state: Mutex<State<T>>,
    gone: Condvar,
}

struct State<T> {
    /// Each with the time at which it is closed; the oldest first.
    clients: Vec<(Instant, T)>,
    has_closer: bool,
    is_gone: bool,
}

impl<T: Send + 'static> Shelf<T> {
    pub(crate) fn new(most: usize) -> Self {
        Self::resting(most, REST)
    }

    fn resting(most: usize, rest: Duration) -> Self {
        let state = State { clients: Vec::new(), has_closer: false, is_gone: false };
        Self { most, rest, inner: Arc::new(Inner { state: Mutex::new(state), gone: Condvar::new() }) }
    }

    /// The client used last, so that the others may be closed.
    pub(crate) fn take(&self) -> Option<T> {
        self.inner.lock().clients.pop().map(|(_, client)| client)
    }

    /// Keeps a client for a while; one too many is closed at once.
    pub(crate) fn put(&self, client: T) {
        let mut state = self.inner.lock();
        if state.clients.len() >= self.most {
            drop(state);
            drop(client);
            return;
        }
        state.clients.push((Instant::now() + self.rest, client));
        if state.has_closer {
            return;
        }
        let inner = Arc::clone(&self.inner);
        let closer = std::thread::Builder::new().name("kafka-shelf".to_owned()).spawn(move || inner.close());
        // Without a thread the client is kept for good, which costs less than to do without it.
        state.has_closer = closer.is_ok();
    }
}

impl<T: Send + 'static> Drop for Shelf<T> {
    fn drop(&mut self) {
        let mut state = self.inner.lock();
        state.is_gone = true;
        let clients = std::mem::take(&mut state.clients);
        drop(state);
        self.inner.gone.notify_all();
        drop(clients);
    }
}

impl<T> Inner<T> {
    /// No code of ours panics while it holds this lock.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes what is due, oldest first, until nothing is left.
    fn close(&self) {
        let mut state = self.lock();
        while let Some((due, _)) = state.clients.first().filter(|_| !state.is_gone) {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let client = state.clients.remove(0);
                drop(state);
                drop(client);
                state = self.lock();
            } else {
                state = self.gone.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        state.has_closer = false;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Says when it is closed.
    struct Client(u32, Sender<u32>);

    impl Drop for Client {
        fn drop(&mut self) {
            self.1.send(self.0).ok();
        }
    }

    const FOR_GOOD: Duration = Duration::from_secs(3_600);
    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn the_one_used_last_is_used_again_and_one_too_many_is_closed_at_once() {
        let (closed, closings) = channel();
        let shelf = Shelf::resting(2, FOR_GOOD);
        for number in 1..=3 {
            shelf.put(Client(number, closed.clone()));
        }
        assert_eq!(closings.try_iter().collect::<Vec<_>>(), [3]);
        let used = shelf.take().expect("kept");
        assert_eq!(used.0, 2);
        drop(shelf);
        assert_eq!(
            closings.try_iter().collect::<Vec<_>>(),
            [1],
            "what is in use is not closed with the shelf"
        );
        drop(used);
        assert_eq!(closings.try_iter().collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_client_nobody_comes_for_is_closed_and_the_next_one_too() {
        let (closed, closings) = channel();
        let shelf = Shelf::resting(2, Duration::ZERO);
        for number in 1..=2 {
            shelf.put(Client(number, closed.clone()));
            assert_eq!(closings.recv_timeout(PATIENCE), Ok(number));
            assert!(shelf.take().is_none());
        }
    }

    #[test]
    fn the_thread_ends_with_the_shelf() {
        let (closed, closings) = channel();
        let shelf = Shelf::resting(1, FOR_GOOD);
        shelf.put(Client(1, closed));
        let inner = Arc::clone(&shelf.inner);
        drop(shelf);
        assert_eq!(closings.recv_timeout(PATIENCE), Ok(1));
        let mut state = inner.lock();
        while state.has_closer {
            drop(state);
            std::thread::yield_now();
            state = inner.lock();
        }
    }
}
