//! What trigger events do to instances and escalations. One file each.

mod amended;
mod cleared;
mod fired;
