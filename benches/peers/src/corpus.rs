//! Real Markdown: the documents that come with the sources of the dependencies.

use std::path::{Path, PathBuf};
use std::{env, fs};

use bytes::Bytes;

/// Documents of about the same size.
pub struct Bucket {
    pub name: &'static str,
    pub documents: Vec<Bytes>,
}

/// `count` documents near 1, 10 and 100 KB each; `None` if there is no Markdown to be found.
pub fn buckets(count: usize) -> Option<Vec<Bucket>> {
    let files = files();
    if files.is_empty() {
        return None;
    }
    let bucket = |(name, size)| Bucket { name, documents: documents(&files, size, count) };
    Some([("1 KB", 1_000), ("10 KB", 10_000), ("100 KB", 100_000)].map(bucket).into())
}

/// Every `*.md` in the registry's sources, in the order of the crates' names.
fn files() -> Vec<String> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let mut paths = Vec::new();
    for registry in home.iter().flat_map(|home| fs::read_dir(home.join("registry/src"))).flatten().flatten() {
        collect(&registry.path(), &mut paths);
    }
    paths.sort();
    paths.iter().filter_map(|path| fs::read_to_string(path).ok()).filter(|text| text.len() >= 200).collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            into.push(path);
        }
    }
}

/// Files of about that size as they are; longer ones in pieces, shorter ones joined, cut at the ends of lines only. When
/// all are used up they are used again.
fn documents(files: &[String], size: usize, count: usize) -> Vec<Bytes> {
    let mut distinct = Vec::new();
    let mut joined = String::new();
    for file in files {
        let mut rest = file.as_str();
        while rest.len() > 2 * size {
            let newline = rest.as_bytes()[size..].iter().position(|&byte| byte == b'\n');
            let (piece, after) = rest.split_at(newline.map_or(rest.len(), |at| size + at + 1));
            distinct.push(Bytes::copy_from_slice(piece.as_bytes()));
            rest = after;
        }
        if 2 * rest.len() >= size {
            distinct.push(Bytes::copy_from_slice(rest.as_bytes()));
        } else {
            joined += rest;
            joined += "\n\n";
            if joined.len() >= size {
                distinct.push(Bytes::from(std::mem::take(&mut joined)));
            }
        }
        if distinct.len() >= count {
            break;
        }
    }
    if distinct.is_empty() {
        distinct.push(Bytes::from(joined));
    }
    distinct.iter().cycle().take(count).cloned().collect()
}
