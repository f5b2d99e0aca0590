//! Between bytes and messages: which requests are served in which versions, the fence before the decoder, decoding and
//! encoding. The message types and their codec come from the `kafka-protocol` crate.

pub(crate) mod fence;
mod fetched;
pub(crate) mod frame;
pub(crate) mod layout;
pub(crate) mod reply;

#[cfg(test)]
mod tests;
