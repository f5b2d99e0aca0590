//! Compiles `proto/` with protox (no system protoc) into prost messages and their protobuf-JSON mapping.

#![allow(clippy::disallowed_methods, reason = "cargo tells a build script where things are by environment")]

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    let folder = root.join("bellwether/v1");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|ext| ext == "proto"));
    files.sort();

    let descriptors = protox::compile(&files, [&root])?;
    let bytes = prost_encode(&descriptors);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), &bytes)?;

    let mut config = prost_build::Config::new();
    config
        .compile_well_known_types()
        .extern_path(".google.protobuf.Timestamp", "crate::instant::Timestamp")
        .btree_map(["."])
        .bytes(["."]);
    config.compile_fds(descriptors)?;

    pbjson_build::Builder::new()
        .register_descriptors(&bytes)?
        .btree_map(["."])
        .ignore_unknown_fields()
        .build(&[".bellwether.v1"])?;
    let mapping = out.join("bellwether.v1.serde.rs");
    let generated = std::fs::read_to_string(&mapping)?;
    std::fs::write(&mapping, with_numbers(&generated))?;
    Ok(())
}

/// The generated mapping, with enum values that have no name written as their number by `variant::Written`: pbjson fails
/// on them, and a log may hold what a newer version wrote.
fn with_numbers(generated: &str) -> String {
    let start = ".map_err(|_| serde::ser::Error::custom(format!(\"Invalid variant {}\", ";
    let mut mapping = String::with_capacity(generated.len());
    let mut found = 0;
    for line in generated.lines() {
        let refusal = line.trim().strip_prefix(start);
        let in_a_field = refusal.and_then(|rest| rest.strip_suffix(")))?;"));
        let in_a_list = refusal.and_then(|rest| rest.strip_suffix(")))"));
        let written = match (in_a_field, in_a_list) {
            (Some(value), _) => {
                format!(
                    ".map_or_else(|_| crate::variant::Written::Number({value}), crate::variant::Written::Named);"
                )
            }
            (None, Some(value)) => format!(
                ".map(crate::variant::Written::Named).or_else(|_| Ok::<_, S::Error>(crate::variant::Written::Number({value})))"
            ),
            (None, None) => line.to_owned(),
        };
        found += usize::from(refusal.is_some());
        mapping.push_str(&written);
        mapping.push('\n');
    }
    assert!(found > 0, "enum fields in the generated mapping");
    assert!(!mapping.contains("serde::ser::Error::custom"), "a value that is refused in writing");
    mapping
}

fn prost_encode(descriptors: &impl prost::Message) -> Vec<u8> {
    descriptors.encode_to_vec()
}
