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
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join("corpus")
}

/// The files among `paths` and the documents in the folders among them, sorted, each once. `skip` is not looked into.
///
/// A file that is named is taken whatever it is called; in a folder those that end in `.rtf`, `.md` or `.markdown` are.
/// Links to folders are not followed within a folder, so there are no circles.
pub(crate) fn find(paths: &[PathBuf], skip: Option<&Path>) -> Result<Vec<Document>, (PathBuf, io::Error)> {
    let skip = skip.and_then(|skip| skip.canonicalize().ok());
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for path in paths {
        let failed = |error| (path.clone(), error);
        if path.metadata().map_err(failed)?.is_dir() {
            walk(path, path, skip.as_deref(), &mut found)?;
        } else {
            let below = path.file_name().map_or_else(|| path.clone(), PathBuf::from);
            found.push(Document { path: path.clone(), below });
        }
    }
    found.sort();
    found.retain(|document| {
        seen.insert(document.path.canonicalize().unwrap_or_else(|_| document.path.clone()))
    });
    Ok(found)
}

fn walk(
    root: &Path,
    folder: &Path,
    skip: Option<&Path>,
    found: &mut Vec<Document>,
) -> Result<(), (PathBuf, io::Error)> {
    if skip.is_some() && folder.canonicalize().ok().as_deref() == skip {
        return Ok(());
    }
    let failed = |error| (folder.to_path_buf(), error);
    for entry in folder.read_dir().map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let kind = path.symlink_metadata().map_err(failed)?.file_type();
        if kind.is_dir() {
            walk(root, &path, skip, found)?;
        } else if is_document(&path) && path.is_file() {
            let below = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
            found.push(Document { path, below });
        }
    }
    Ok(())
}

fn is_document(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    matches!(ending.as_deref(), Some("rtf" | "md" | "markdown"))
}
