//! Raw exports.

use crate::import::expand::Object;
use crate::import::gather::{FileIndex, Output};
use crate::import::recognise;

use super::Mapping;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {}
    }

    pub(crate) fn explains(self) -> bool {
        match self {}
    }
}

pub(crate) fn recognise(_object: &Object, _hint: Option<&str>) -> Option<recognise::Kind> {
    None
}

/// Everything gathered.
#[derive(Debug, Default)]
pub(crate) struct Gathering {}

impl Gathering {
    pub(crate) fn take(&mut self, kind: Kind, _object: Object, _file: FileIndex) {
        match kind {}
    }

    pub(crate) fn page(&mut self, _key: &str, _total: Option<u64>) {}

    pub(crate) fn map(self, _mapping: &Mapping, _account: Option<&str>, _output: &mut Output) {}
}
