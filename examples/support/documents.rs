//! Finding documents in files and folders.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// A file that is to be converted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Document {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Where it is below the path that was asked for: the place of its output below the output folder.
    pub(crate) below: PathBuf,
}

/// The documents that the repository carries.
#[allow(dead_code, reason = "each example uses a part of this file")]
pub(crate) fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// What was found.
#[allow(dead_code, reason = "each example uses a part of this file")]
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) documents: Vec<Document>,
    /// Where something within a folder could not be looked at, or is no document although it is called one.
    pub(crate) failures: Vec<(PathBuf, io::Error)>,
}

/// The files among `paths` and the documents in the folders among them, sorted, each once. `skip` is not looked into.
///
/// A file that is named is taken whatever it is called; in a folder those that end in `.rtf`, `.md` or `.markdown` are.
/// Links to folders are not followed within a folder, so there are no circles.
///
/// # Errors
/// One of the `paths` can't be looked at. What goes wrong within them is among the failures.
pub(crate) fn find(paths: &[PathBuf], skip: Option<&Path>) -> Result<Found, (PathBuf, io::Error)> {
    let skip = skip.and_then(|skip| skip.canonicalize().ok());
    let (mut found, mut seen) = (Found::default(), BTreeSet::new());
    for path in paths {
        let failed = |error| (path.clone(), error);
        if path.metadata().map_err(failed)?.is_dir() {
            walk(path, path, skip.as_deref(), &mut found).map_err(failed)?;
        } else {
            let below = path.file_name().map_or_else(|| path.clone(), PathBuf::from);
            found.documents.push(Document { path: path.clone(), below });
        }
    }
    found.documents.sort();
    found.documents.retain(|document| {
        seen.insert(document.path.canonicalize().unwrap_or_else(|_| document.path.clone()))
    });
    Ok(found)
}

fn walk(root: &Path, folder: &Path, skip: Option<&Path>, found: &mut Found) -> io::Result<()> {
    if skip.is_some() && folder.canonicalize().ok().as_deref() == skip {
        return Ok(());
    }
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if let Err(error) = visit(root, &path, skip, found) {
            found.failures.push((path, error));
        }
    }
    Ok(())
}

fn visit(root: &Path, path: &Path, skip: Option<&Path>, found: &mut Found) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() {
        return walk(root, path, skip, found);
    }
    if is_document(path) {
        let kind = path.metadata()?;
        if kind.is_file() {
            let below = path.strip_prefix(root).unwrap_or(path).to_path_buf();
            found.documents.push(Document { path: path.to_path_buf(), below });
        } else if !kind.is_dir() {
            return Err(io::Error::other("not a regular file"));
        }
    }
    Ok(())
}

fn is_document(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    matches!(ending.as_deref(), Some("rtf" | "md" | "markdown"))
}
