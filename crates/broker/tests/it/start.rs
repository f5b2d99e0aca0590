//! What stops a broker from starting says so, and names the folder or the address.

use std::error::Error as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bellwether_broker::{Broker, BrokerOptions, Error};
use tempfile::TempDir;

use crate::harness::{InProcess, block_on};

fn refused(dir: &Path, listen: SocketAddr) -> Error {
    block_on(async { Broker::start(BrokerOptions::new(listen, dir)).await.expect_err("it must not start") })
}

fn any() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

#[test]
fn a_second_broker_on_a_folder_is_refused_by_name_and_the_first_goes_on() {
    let mut first = InProcess::start();
    let error = refused(first.dir.path(), any());
    assert!(matches!(error, Error::FolderInUse { .. }), "{error}");
    assert!(error.to_string().contains(first.dir.path().to_str().unwrap()));
    first.restart();
}

#[test]
fn a_taken_address_is_refused_by_name() {
    let first = InProcess::start();
    let other = TempDir::new().unwrap();
    let error = refused(other.path(), first.address());
    assert!(error.to_string().contains(&first.address().to_string()), "{error}");
}

#[test]
fn a_file_in_the_place_of_the_folder_is_refused_by_name() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = refused(&file, any());
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    assert!(error.source().is_some());
}

#[test]
fn a_read_only_folder_is_refused_by_name() {
    let dir = TempDir::new().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(dir.path().join("probe"), "x").is_ok() {
        eprintln!("skipped: permissions do not bind this user");
        return;
    }
    let error = refused(dir.path(), any());
    assert!(error.to_string().contains(dir.path().to_str().unwrap()), "{error}");
}

#[test]
fn a_foreign_journal_is_refused_by_name() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("journal"), "not a journal").unwrap();
    let error = refused(dir.path(), any());
    assert!(error.to_string().contains("journal"), "{error}");
}
