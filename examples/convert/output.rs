//! Where converted documents go.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};
use std::{fs, io, process};

use millpond::Format;

/// Gives each document a name of its own, and writes without ever leaving half a file, touching an input, or replacing
/// another file unasked.
pub(crate) struct Output {
    folder: PathBuf,
    overwrite: bool,
    inputs: HashSet<PathBuf>,
    taken: HashSet<String>,
}

impl Output {
    /// Below `folder`. None of the `inputs` is ever written to; what else is there is replaced only with `overwrite`.
    pub(crate) fn new<'p>(
        folder: &Path,
        inputs: impl Iterator<Item = &'p Path>,
        overwrite: bool,
    ) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let inputs = inputs.filter_map(|path| path.canonicalize().ok()).collect();
        Ok(Self { folder: folder.canonicalize()?, overwrite, inputs, taken: HashSet::new() })
    }

    /// Writes a converted document: at its place below the folder, with the ending of its format. If another document of this run has that name already, or it is an input's, a number is put
    /// behind it: then the new name is returned.
    pub(crate) fn write(
        &mut self,
        below: &Path,
        format: Format,
        content: &[u8],
    ) -> io::Result<Option<PathBuf>> {
        // Only names count: nothing leads out of the folder.
        let below: PathBuf = below.components().filter(|part| matches!(part, Component::Normal(_))).collect();
        let (path, number) = self.vacant(&below, format.extension());
        let renamed = (number > 1).then(|| path.clone());
        if !self.overwrite && path.symlink_metadata().is_ok() {
            // The same again, as from an earlier run, is no loss.
            return if holds(&path, content) { Ok(renamed) } else { Err(is_there(&path)) };
        }
        let parent = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent)?;
        // A rename replaces the old file in one step: whoever looks finds the old one or the new one, whole.
        let draft = parent.join(format!(".convert-{}.tmp", process::id()));
        let written = fs::write(&draft, content).and_then(|()| fs::rename(&draft, &path));
        written.inspect_err(|_| drop(fs::remove_file(&draft)))?;
        Ok(renamed)
    }

    fn vacant(&mut self, below: &Path, ending: &str) -> (PathBuf, u32) {
        let stem = below.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for number in 1_u32.. {
            let name =
                if number == 1 { format!("{stem}.{ending}") } else { format!("{stem}-{number}.{ending}") };
            let path = self.folder.join(below).with_file_name(name);
            let is_input = path.canonicalize().is_ok_and(|real| self.inputs.contains(&real));
            // Some file systems don't tell cases apart.
            if !is_input && self.taken.insert(path.to_string_lossy().to_lowercase()) {
                return (path, number);
            }
        }
        unreachable!("there are more numbers than documents")
    }
}

/// Whether this file has just this content. Whatever is no regular file is not read.
fn holds(path: &Path, content: &[u8]) -> bool {
    let alike = |meta: fs::Metadata| meta.is_file() && meta.len() == content.len() as u64;
    path.metadata().is_ok_and(alike) && fs::read(path).is_ok_and(|old| old == content)
}

fn is_there(path: &Path) -> io::Error {
    let message = format!("{} is there already, and differs; --overwrite replaces it", path.display());
    io::Error::new(io::ErrorKind::AlreadyExists, message)
}
