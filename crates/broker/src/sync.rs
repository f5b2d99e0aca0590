//! Locking. Every lock is held for a short, non-async section; a panic inside one is a bug that must not be papered
//! over, so a poisoned lock panics its next user as well.
//!
//! Lock order, outermost first: transactions, one group, one partition's log, the journal. A function that
//! takes several takes them in this order.

use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Locks a mutex.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no code panics while it holds a broker lock")
}

/// Locks for reading.
pub(crate) fn read<T: ?Sized>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().expect("no code panics while it holds a broker lock")
}

/// Locks for writing.
pub(crate) fn write<T: ?Sized>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().expect("no code panics while it holds a broker lock")
}
