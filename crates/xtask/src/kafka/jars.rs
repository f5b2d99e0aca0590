//! The jars of Apache Kafka, fetched once by Maven and kept.
//!
//! Invariant: the folder returned by [`fetch`] is complete; it is filled under another name and renamed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::paths;

/// The version every check runs against.
const VERSION: &str = "4.1.0";
/// The binding that shows the server's log; its version is that of the slf4j-api Kafka brings.
const SLF4J: &str = "1.7.36";
/// Pinned, so that a clean machine does what this one did.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// The folder with the jars; fetches them when they are not there.
pub(crate) fn fetch() -> anyhow::Result<PathBuf> {
    let home = paths::scratch()?.join("kafka");
    let jars = home.join(format!("jars-{VERSION}"));
    if jars.is_dir() {
        return Ok(jars);
    }
    require("java", "-version", "openjdk-17-jre-headless")?;
    require("mvn", "--version", "openjdk-17-jdk-headless maven")?;
    // One at a time: Maven's own store is not made for two. Released with the file, whatever happens.
    fs::create_dir_all(&home)?;
    let turn = File::create(home.join("lock"))?;
    turn.lock().with_context(|| format!("waiting for another fetch into {}", home.display()))?;
    if jars.is_dir() {
        return Ok(jars);
    }
    let project = home.join("pom");
    let partial = home.join(format!("jars-{VERSION}.partial"));
    fs::create_dir_all(&project)?;
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    fs::write(project.join("pom.xml"), pom())?;
    eprintln!("fetching the jars of Apache Kafka {VERSION} with Maven (54 MB, once)");
    let status = Command::new("mvn")
        .args(["--quiet", "--batch-mode", "--file"])
        .arg(project.join("pom.xml"))
        .arg(COPY)
        .arg(format!("-DoutputDirectory={}", partial.display()))
        .arg("-DincludeScope=runtime")
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .context("running mvn")?;
    if !status.success() {
        bail!(
            "mvn could not fetch the jars of Apache Kafka {VERSION} ({status}); is Maven Central reachable?"
        );
    }
    fs::rename(&partial, &jars).with_context(|| format!("naming {}", jars.display()))?;
    Ok(jars)
}

/// The class path of a folder of jars.
pub(crate) fn class_path(jars: &Path) -> String {
    format!("{}/*", jars.display())
}

/// Fails with the line that mends it when `program` cannot be run.
fn require(program: &str, question: &str, packages: &str) -> anyhow::Result<()> {
    let answer = Command::new(program).arg(question).stdin(Stdio::null()).output();
    match answer {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            bail!("`{program} {question}` failed: {}", String::from_utf8_lossy(&output.stderr).trim())
        }
        Err(error) => bail!("`{program}` is needed and not found ({error}): apt-get install -y {packages}"),
    }
}

fn pom() -> String {
    let dependency = |group: &str, artefact: &str, version: &str| {
        format!(
            "    <dependency><groupId>{group}</groupId><artifactId>{artefact}</artifactId>\
             <version>{version}</version></dependency>\n"
        )
    };
    let dependencies = [
        dependency("org.apache.kafka", "kafka_2.13", VERSION),
        dependency("org.apache.kafka", "kafka-tools", VERSION),
        dependency("org.slf4j", "slf4j-simple", SLF4J),
    ];
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n  <modelVersion>4.0.0</modelVersion>\n  \
         <groupId>local</groupId>\n  <artifactId>kafka-jars</artifactId>\n  <version>1</version>\n  \
         <dependencies>\n{}  </dependencies>\n</project>\n",
        dependencies.concat()
    )
}
