//! What lies at the top of the tree, and what no file of it says.
//!
//! A stranger must find their way by the top level alone; and the text must make sense on any machine, to any reader.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use bellwether_tests::workspace_root;

/// All there is at the top. A new entry is a decision; most things have a home already.
const TOP: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "clippy.toml",
    "crates",
    "deny.toml",
    "deploy",
    "docs",
    "proto",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "tests",
];

/// Text that ties the tree to one machine or to how it came about. Split, so that this file does not hold it.
const FOREIGN: &[[&str; 2]] = &[
    ["/wo", "rk/"],
    ["/fa", "rm/"],
    ["/Us", "ers/"],
    [".lib", "rary/"],
    ["before", "-stop"],
    ["steering", " repo"],
    ["as an", " AI"],
    ["language", " model"],
];

/// Larger files are data.
const LARGEST_TEXT: u64 = 1024 * 1024;

#[test]
fn the_agreed_entries_and_no_others_are_at_the_top() {
    let files = tracked_files();
    let found: BTreeSet<&str> = files.iter().filter_map(|file| file.split('/').next()).collect();
    let strangers: Vec<_> = found.iter().filter(|entry| !TOP.contains(entry)).collect();
    assert!(strangers.is_empty(), "no place at the top for {strangers:?}: see {}", file!());
    let missing: Vec<_> = TOP.iter().filter(|entry| !found.contains(*entry)).collect();
    assert!(missing.is_empty(), "not there: {missing:?}");
}

#[test]
fn no_file_speaks_of_one_machine() {
    let root = workspace_root();
    let mut wrong = Vec::new();
    for file in tracked_files().iter().filter(|file| file.as_str() != "Cargo.lock") {
        let Some(text) = read_text(&root.join(file)) else { continue };
        for (index, line) in text.lines().enumerate() {
            for words in FOREIGN.iter().map(|halves| halves.concat()).filter(|words| line.contains(words)) {
                wrong.push(format!("{file}:{}: {words}", index + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Paths git knows, relative to the root; deleted ones aside.
fn tracked_files() -> Vec<String> {
    let root = workspace_root();
    let output =
        Command::new("git").arg("-C").arg(&root).args(["ls-files", "-z"]).output().expect("git runs");
    assert!(output.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&output.stderr));
    let list = String::from_utf8(output.stdout).expect("paths are text");
    let files: Vec<String> = list.split_terminator('\0').map(str::to_owned).collect();
    assert!(!files.is_empty(), "git knows no file under {}", root.display());
    files.into_iter().filter(|file| root.join(file).exists()).collect()
}

/// The text of a file; `None` when it is data.
fn read_text(path: &Path) -> Option<String> {
    let length = fs::metadata(path).ok()?.len();
    (length <= LARGEST_TEXT)
        .then(|| fs::read(path).ok())
        .flatten()
        .and_then(|bytes| String::from_utf8(bytes).ok())
}
