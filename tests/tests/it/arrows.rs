//! The arrows between crates, read from `cargo metadata`.
//!
//! Nothing points back: pure crates at the bottom, adapters above them, the binary on top. A new crate or a new arrow
//! is a decision: it is made in the table below, with the crate's paragraph in ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_tests::workspace_root;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

/// What a crate may depend on, of ours.
struct Arrows {
    of: &'static str,
    /// In the product.
    uses: &'static [&'static str],
    /// In its tests only, besides `uses`.
    tests_with: &'static [&'static str],
}

const MODEL: &str = "bellwether-model";
const WIRE: &str = "bellwether-wire";
const ENGINE: &str = "bellwether-engine";
const ESCALATION: &str = "bellwether-escalation";
const LOG: &str = "bellwether-log";
const KAFKA: &str = "bellwether-kafka";
const BROKER: &str = "bellwether-broker";
const RUNTIME: &str = "bellwether-runtime";
const CONNECTORS: &str = "bellwether-connectors";
const NOTIFY: &str = "bellwether-notify";
const TESTKIT: &str = "bellwether-testkit";
const BINARY: &str = "bellwether";

/// Every crate of the product that others may build on.
const PRODUCT: &[&str] =
    &[MODEL, WIRE, ENGINE, ESCALATION, LOG, KAFKA, BROKER, RUNTIME, CONNECTORS, NOTIFY, TESTKIT, BINARY];

const TABLE: &[Arrows] = &[
    Arrows { of: MODEL, uses: &[], tests_with: &[TESTKIT] },
    Arrows { of: WIRE, uses: &[MODEL], tests_with: &[TESTKIT] },
    Arrows { of: ENGINE, uses: &[MODEL, WIRE], tests_with: &[TESTKIT] },
    Arrows { of: ESCALATION, uses: &[MODEL, WIRE], tests_with: &[TESTKIT] },
    Arrows { of: LOG, uses: &[], tests_with: &[] },
    Arrows { of: KAFKA, uses: &[LOG], tests_with: &[BROKER] },
    Arrows { of: BROKER, uses: &[], tests_with: &[] },
    Arrows { of: RUNTIME, uses: &[LOG], tests_with: &[] },
    Arrows { of: CONNECTORS, uses: &[MODEL, WIRE], tests_with: &[TESTKIT] },
    Arrows { of: NOTIFY, uses: &[MODEL, WIRE], tests_with: &[TESTKIT] },
    Arrows { of: TESTKIT, uses: &[MODEL, WIRE, ENGINE, ESCALATION, LOG], tests_with: &[] },
    Arrows {
        of: BINARY,
        uses: &[MODEL, WIRE, ENGINE, ESCALATION, LOG, KAFKA, BROKER, RUNTIME, CONNECTORS, NOTIFY],
        tests_with: &[TESTKIT],
    },
    Arrows { of: "xtask", uses: &[], tests_with: &[] },
    Arrows { of: "bellwether-tests", uses: PRODUCT, tests_with: &[] },
    Arrows { of: "bellwether-benches", uses: PRODUCT, tests_with: &[] },
];

/// Folds: same input, same output, on any machine.
const PURE: &[&str] = &[MODEL, WIRE, ENGINE, ESCALATION];

/// What no pure crate may reach, however many steps away.
const IMPURE: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "rdkafka",
    "rdkafka-sys",
    "kafka-protocol",
    "rand",
    "rand_core",
    "getrandom",
    "fastrand",
    "uuid",
    "reqwest",
    "hyper",
    "axum",
    "object_store",
    "tempfile",
    "dotenvy",
    "figment",
];

/// A foreign crate and the only ones of ours whose product may name it; their tests may look at them from outside.
const CONFINED: &[(&str, &[&str])] = &[
    ("rdkafka", &[KAFKA, "bellwether-tests", "bellwether-benches"]),
    ("kafka-protocol", &[BROKER]),
    ("object_store", &[RUNTIME, BINARY]),
    ("figment", &[BINARY]),
    ("clap", &[BINARY, "bellwether-benches"]),
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(workspace_root().join("Cargo.toml"))
        // One platform, or else cargo fetches the crates of every other one.
        .other_options(
            ["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(str::to_owned).to_vec(),
        )
        .exec()
        .expect("cargo metadata reads the workspace")
}

fn ours<'a>(package: &'a Package, metadata: &Metadata, in_product: bool) -> BTreeSet<&'a str> {
    let members: BTreeSet<&str> = metadata.workspace_packages().iter().map(|p| p.name.as_str()).collect();
    package
        .dependencies
        .iter()
        .filter(|d| {
            (d.kind != DependencyKind::Development) == in_product && members.contains(d.name.as_str())
        })
        .map(|d| d.name.as_str())
        .collect()
}

#[test]
fn every_crate_is_in_the_table_and_the_table_names_only_crates() {
    let metadata = metadata();
    let members: BTreeSet<&str> = metadata.workspace_packages().iter().map(|p| p.name.as_str()).collect();
    let table: BTreeSet<&str> = TABLE.iter().map(|arrows| arrows.of).collect();
    assert_eq!(members, table);
}

#[test]
fn no_arrow_points_back() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let Some(arrows) = TABLE.iter().find(|arrows| arrows.of == package.name.as_str()) else { continue };
        for name in ours(package, &metadata, true) {
            if !arrows.uses.contains(&name) {
                wrong.push(format!("{} depends on {name}", package.name));
            }
        }
        for name in ours(package, &metadata, false) {
            if !arrows.uses.contains(&name) && !arrows.tests_with.contains(&name) {
                wrong.push(format!("{} depends on {name} in its tests", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_test_kit_is_in_no_product() {
    let metadata = metadata();
    let users: Vec<&str> = metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| ours(package, &metadata, true).contains(TESTKIT))
        .map(|package| package.name.as_str())
        .filter(|name| !["bellwether-tests", "bellwether-benches"].contains(name))
        .collect();
    assert!(users.is_empty(), "{users:?} carry the test kit outside their dev-dependencies");
}

#[test]
fn pure_crates_reach_no_runtime_client_or_source_of_chance() {
    let metadata = metadata();
    let names: BTreeMap<&PackageId, &str> =
        metadata.packages.iter().map(|p| (&p.id, p.name.as_str())).collect();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        if !PURE.contains(&package.name.as_str()) {
            continue;
        }
        let reached = closure(&metadata, &package.id);
        let impure = reached.iter().filter_map(|id| names.get(id)).filter(|name| IMPURE.contains(name));
        wrong.extend(impure.map(|name| format!("{} reaches {name}", package.name)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Everything a crate is built from, its tests and build scripts aside.
fn closure<'a>(metadata: &'a Metadata, root: &'a PackageId) -> BTreeSet<&'a PackageId> {
    let resolve = metadata.resolve.as_ref().expect("metadata with dependencies resolves them");
    let mut reached = BTreeSet::new();
    let mut queue = vec![root];
    while let Some(id) = queue.pop() {
        if !reached.insert(id) {
            continue;
        }
        for dependency in &resolve[id].deps {
            if dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal) {
                queue.push(&dependency.pkg);
            }
        }
    }
    reached
}

#[test]
fn pure_crates_take_chrono_without_its_clock() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        if !PURE.contains(&package.name.as_str()) {
            continue;
        }
        for dependency in package.dependencies.iter().filter(|d| d.name == "chrono") {
            let clock = ["clock", "now", "default"];
            if dependency.uses_default_features
                || dependency.features.iter().any(|f| clock.contains(&f.as_str()))
            {
                wrong.push(format!("{} asks for {:?}", package.name, dependency.features));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn clients_of_the_outside_stay_in_their_crate() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        for (foreign, homes) in CONFINED {
            let product = package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development);
            let named = product.map(|d| d.name.as_str()).any(|name| name == *foreign);
            if named && !homes.contains(&package.name.as_str()) {
                wrong.push(format!("{} depends on {foreign}", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
