//! What the sources of pure crates never name.
//!
//! Clippy bans the calls by `clippy.toml`; this test reads the text, so that an import, a re-export or a loosened
//! settings file does not slip by.

use std::fs;
use std::path::{Path, PathBuf};

use bellwether_tests::workspace_root;

/// Crates whose product code is a function of its arguments. `log` may keep locks, but no clock.
const PURE: &[&str] = &["model", "wire", "engine", "escalation"];

/// Text that has no place above the tests of a pure crate, and why.
const BANNED: &[(&str, &str)] = &[
    ("SystemTime", "time is in the log"),
    ("Instant::now", "time is in the log"),
    ("Utc::now", "time is in the log"),
    ("Local::now", "time is in the log"),
    ("std::env", "settings are facts or arguments"),
    ("std::fs", "effects leave as data"),
    ("std::net", "effects leave as data"),
    ("std::process", "effects leave as data"),
    ("std::thread", "a fold runs on the thread that calls it"),
    ("thread_rng", "no chance in a fold"),
    ("rand::", "no chance in a fold"),
    ("RandomState", "no order that differs from run to run"),
];

#[test]
fn pure_sources_name_no_clock_environment_or_effect() {
    let mut wrong = Vec::new();
    for name in PURE {
        for file in rust_files(&workspace_root().join("crates").join(name).join("src")) {
            let text = fs::read_to_string(&file).expect("a source file is text");
            wrong.extend(
                banned(&text).map(|(line, word, why)| format!("{}:{line}: {word}: {why}", file.display())),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn pure_crates_are_under_the_strict_settings() {
    let root = workspace_root();
    for name in PURE.iter().chain(&["log"]) {
        let own = root.join("crates").join(name).join("clippy.toml");
        assert!(!own.exists(), "{} loosens the settings of a pure crate", own.display());
    }
    let strict = fs::read_to_string(root.join("clippy.toml")).expect("the root has a clippy.toml");
    for call in ["std::time::SystemTime::now", "std::time::Instant::now", "chrono::Utc::now", "std::env::var"]
    {
        assert!(strict.contains(&format!("\"{call}\"")), "clippy.toml no longer bans {call}");
    }
}

#[test]
fn a_banned_word_in_a_comment_or_below_the_tests_is_no_finding() {
    let text =
        "// SystemTime is banned\nlet a = SystemTime::now();\n#[cfg(test)]\nmod tests { use std::fs; }\n";
    let found: Vec<_> = banned(text).map(|(line, word, _)| (line, word)).collect();
    assert_eq!(found, [(2, "SystemTime")]);
}

/// Line number, word and reason of each finding above the tests of a file.
fn banned(text: &str) -> impl Iterator<Item = (usize, &'static str, &'static str)> + '_ {
    let product =
        text.lines().enumerate().take_while(|(_, line)| !line.trim_start().starts_with("#[cfg(test)]"));
    product.filter(|(_, line)| !line.trim_start().starts_with("//")).flat_map(|(index, line)| {
        BANNED.iter().filter(|(word, _)| line.contains(word)).map(move |(word, why)| (index + 1, *word, *why))
    })
}

/// The Rust files of a folder and those below it; files named `tests.rs` and folders named `tests` aside.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a crate has its src") {
            let path = entry.expect("an entry can be read").path();
            let test = path.file_stem().is_some_and(|stem| stem == "tests");
            match path.extension() {
                _ if test => {}
                None if path.is_dir() => folders.push(path),
                Some(extension) if extension == "rs" => files.push(path),
                Some(_) | None => {}
            }
        }
    }
    files.sort();
    files
}
