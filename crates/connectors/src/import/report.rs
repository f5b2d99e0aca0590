//! What an import made of every file.

use std::collections::BTreeMap;

use serde::Serialize;

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict", content = "reason")]
pub enum Verdict {
    /// Events came of it.
    Mapped,
    /// It explains other files: fields, statuses, boards, users.
    Explains,
    /// It is known and holds nothing the catalogue needs; why.
    NotNeeded(String),
    /// It could not be used; why.
    Refused(String),
}

impl Verdict {
    /// The word in summaries.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Mapped => "mapped",
            Verdict::Explains => "explains",
            Verdict::NotNeeded(_) => "not needed",
            Verdict::Refused(_) => "refused",
        }
    }

    /// Why, where there is a why.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Verdict::Mapped | Verdict::Explains => None,
            Verdict::NotNeeded(reason) | Verdict::Refused(reason) => Some(reason),
        }
    }
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Line, from 1, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Byte from the start of the (unpacked) file, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte: Option<u64>,
    /// What is wrong and what to do.
    pub what: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.line, self.byte) {
            (Some(line), _) => write!(f, "line {line}: {}", self.what),
            (None, Some(byte)) => write!(f, "byte {byte}: {}", self.what),
            (None, None) => f.write_str(&self.what),
        }
    }
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Path as given or found.
    pub file: String,
    /// What became of it.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What was recognised in it, with how many.
    pub recognised: BTreeMap<String, u64>,
    /// Events by type that this file was the first to give.
    pub events: BTreeMap<String, u64>,
    /// What could not be mapped, why, and how many.
    pub skipped: BTreeMap<String, u64>,
    /// What was read and says nothing the catalogue carries, why, and how many.
    pub passed_over: BTreeMap<String, u64>,
    /// What could not be read; at most [`PROBLEMS_MAX`], then how many more.
    pub problems: Vec<Problem>,
}

/// Problems listed for one file: enough to see the pattern.
pub const PROBLEMS_MAX: usize = 20;

impl FileReport {
    pub(crate) fn new(file: String) -> Self {
        Self {
            file,
            verdict: Verdict::Refused("it was not read".to_owned()),
            recognised: BTreeMap::new(),
            events: BTreeMap::new(),
            skipped: BTreeMap::new(),
            passed_over: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// Events of all types.
    pub fn event_count(&self) -> u64 {
        self.events.values().sum()
    }
}

/// What an import made of everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Every file, in the order of their paths.
    pub files: Vec<FileReport>,
    /// Events emitted, by type.
    pub events: BTreeMap<String, u64>,
    /// First and last event time, RFC 3339.
    pub span: Option<(String, String)>,
    /// Source URIs.
    pub sources: Vec<String>,
    /// What was found out or assumed, and what could not be seen.
    pub notes: Vec<String>,
}

impl ImportReport {
    /// True when something could not be read: a refused file, or a problem inside one.
    pub fn exit_nonzero(&self) -> bool {
        self.files.iter().any(|file| matches!(file.verdict, Verdict::Refused(_)) || !file.problems.is_empty())
    }

    /// Events of all types.
    pub fn event_count(&self) -> u64 {
        self.events.values().sum()
    }
}
