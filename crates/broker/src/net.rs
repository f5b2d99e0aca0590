//! Sockets: accepting connections, reading frames within bounds, writing responses.

mod connection;
mod listener;

pub(crate) use connection::answer;
pub(crate) use listener::serve;
