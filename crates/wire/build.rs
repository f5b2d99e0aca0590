//! Compiles `proto/` with protox (no system protoc) into prost messages and their protobuf-JSON mapping.

#![allow(clippy::disallowed_methods, reason = "cargo tells a build script where things are by environment")]

use std::collections::BTreeSet;
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
    let fields: BTreeSet<(String, String)> = descriptors
        .file
        .iter()
        .filter(|file| file.package() == "bellwether.v1")
        .flat_map(|file| &file.message_type)
        .flat_map(|message| message.field.iter().map(move |field| (message, field)))
        .filter(|(_, field)| field.type_name() == ".google.protobuf.Timestamp")
        .map(|(message, field)| (format!("bellwether.v1.{}", message.name()), field.json_name().to_owned()))
        .collect();
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), &bytes)?;

    let mut config = prost_build::Config::new();
    config
        .compile_well_known_types()
        .extern_path(".google.protobuf", "::pbjson_types")
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
    std::fs::write(&mapping, with_numbers(&with_own_instants(&generated, &fields)))?;
    Ok(())
}

/// The generated mapping, with instants written by `instant::Text`: pbjson writes them with the offset `+00:00`, where
/// the protobuf-JSON mapping has `Z`. Every field that holds one must be found, or a new pbjson writes them otherwise.
fn with_own_instants(generated: &str, fields: &BTreeSet<(String, String)>) -> String {
    let mut message = String::new();
    let mut found = BTreeSet::new();
    let mut mapping = String::with_capacity(generated.len());
    for line in generated.lines() {
        if let Some((_, rest)) = line.split_once(".serialize_struct(\"") {
            message = rest.split('"').next().unwrap_or_default().to_owned();
        }
        let field = line.trim().strip_prefix("struct_ser.serialize_field(\"");
        let field = field.and_then(|rest| rest.strip_suffix("\", v)?;"));
        let key = field.map(|field| (message.clone(), field.to_owned())).filter(|key| fields.contains(key));
        if let Some(key) = key {
            mapping.push_str(&line.replace(", v)?;", ", &crate::instant::Text(v))?;"));
            found.insert(key);
        } else {
            mapping.push_str(line);
        }
        mapping.push('\n');
    }
    assert_eq!(found, *fields, "fields that hold an instant, in the generated mapping and in proto/");
    mapping
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
