//! What the documentation says of itself holds: its links lead somewhere, its code is compiled, and its tables agree with `Cargo.toml`.

// What can't be read fails the test.
#![allow(clippy::unwrap_used)]

mod events;
mod features;
mod figures;
mod grafana;
mod guides;
mod markdown;
mod metadata;
mod pages;
mod rust_version;

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where cargo puts the built pages.
fn pages_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("doc")
}

/// The text of a file in the repository.
fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// All files in `folder` and below with this extension, in order.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    fn collect(folder: &Path, extension: &str, into: &mut Vec<PathBuf>) {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                collect(&path, extension, into);
            } else if path.extension().is_some_and(|own| own == extension) {
                into.push(path);
            }
        }
    }
    let mut found = Vec::new();
    collect(folder, extension, &mut found);
    found.sort();
    found
}

/// The file that a relative link leads to from a file in `folder`, without `.` and `..`.
fn resolve(folder: &Path, link: &str) -> PathBuf {
    let mut path = folder.to_path_buf();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = path.pop(),
            name => path.push(name),
        }
    }
    path
}

/// Where a link to docs.rs leads in the built pages, if it is to a package of this workspace.
fn on_docs_rs(link: &str) -> Option<&str> {
    let (package, page) = link.strip_prefix("https://docs.rs/")?.split_once("/latest/")?;
    package.starts_with("millpond").then_some(page)
}

#[track_caller]
fn assert_none(offences: Vec<String>) {
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}
