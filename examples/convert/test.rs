//! The parts of the example `convert` that touch other people's files.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

#[path = "../support/documents.rs"]
mod documents;
#[path = "input.rs"]
mod input;
#[path = "output.rs"]
mod output;

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use input::{Unread, read};
use millpond::memory::BufferPool;
use millpond::{Format, ProcessError};
use output::Output;

/// A folder of this test's own, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("millpond-{name}-{}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    fn names(&self) -> Vec<String> {
        let entries = self.0.read_dir().unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn documents_of_the_same_name_get_different_ones() {
    let folder = Folder::new("names");
    let mut output = Output::new(&folder.0, [].into_iter(), false).unwrap();
    let mut write = |below: &str, content: &str| {
        output.write(Path::new(below), Format::Html, content.as_bytes()).unwrap()
    };
    assert_eq!(write("x.md", "one"), None);
    assert_eq!(write("x.md", "two"), Some(folder.0.join("x-2.html")), "who has two of a name is told");
    write("x.rtf", "three");
    write("X.markdown", "four");
    write("x-2.md", "five");
    assert_eq!(folder.names(), ["X-4.html", "x-2-2.html", "x-2.html", "x-3.html", "x.html"]);
    let texts = folder.names().into_iter().map(|name| fs::read_to_string(folder.0.join(name)).unwrap());
    assert_eq!(texts.collect::<Vec<_>>(), ["four", "five", "two", "three", "one"]);
}

#[test]
fn an_input_is_never_written_to() {
    let folder = Folder::new("inputs");
    let input = folder.0.join("x.html");
    fs::write(&input, "mine").unwrap();
    let mut output = Output::new(&folder.0, [&*input].into_iter(), true).unwrap();
    output.write(Path::new("x.md"), Format::Html, b"other").unwrap();
    assert_eq!(fs::read_to_string(&input).unwrap(), "mine");
    assert_eq!(folder.names(), ["x-2.html", "x.html"]);
}

/// It may be anybody's: it is replaced only if that was asked for.
#[test]
fn what_was_there_before_is_not_lost() {
    let folder = Folder::new("before");
    let file = folder.0.join("x.html");
    fs::write(&file, "from before").unwrap();
    let write = |overwrite, content: &[u8]| {
        let mut output = Output::new(&folder.0, [].into_iter(), overwrite).unwrap();
        output.write(Path::new("x.md"), Format::Html, content)
    };
    let error = write(false, b"anything else").unwrap_err();
    assert!(error.to_string().contains("--overwrite"), "{error}");
    assert_eq!(write(false, b"from before").unwrap(), None, "the same again is no loss");
    assert_eq!(fs::read_to_string(&file).unwrap(), "from before");
    assert_eq!(write(true, b"anything else").unwrap(), None);
    assert_eq!(fs::read_to_string(&file).unwrap(), "anything else");
    assert_eq!(folder.names(), ["x.html"]);
}

/// The device takes no byte; nothing of the attempt is left, and no other file is touched.
#[cfg(target_os = "linux")]
#[test]
fn a_write_that_fails_leaves_nothing_behind() {
    let folder = Folder::new("full");
    fs::write(folder.0.join("x.html"), "from before").unwrap();
    let mut output = Output::new(&folder.0, [].into_iter(), true).unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.0.join(format!(".convert-{}.tmp", process::id())))
        .unwrap();
    assert!(output.write(Path::new("x.md"), Format::Html, b"new").is_err());
    assert_eq!(folder.names(), ["x.html"]);
    assert_eq!(fs::read_to_string(folder.0.join("x.html")).unwrap(), "from before");
}

/// 64 GB of nothing: whoever reads it never comes to an end.
#[test]
fn a_file_that_is_too_long_is_not_read() {
    let folder = Folder::new("long");
    let path = folder.0.join("long.md");
    fs::File::create(&path).unwrap().set_len(1 << 36).unwrap();
    match read(&path, 1000, &BufferPool::default()) {
        Err(Unread::Refused(ProcessError::TooLarge { limit: 1000, size })) => assert_eq!(size, 1 << 36),
        other => panic!("{other:?}"),
    }
    fs::write(&path, "a".repeat(1000)).unwrap();
    assert_eq!(read(&path, 1000, &BufferPool::default()).unwrap().len(), 1000);
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_told_and_not_read() {
    let folder = Folder::new("kinds");
    let path = |name: &str| folder.0.join(name);
    fs::write(path("a.md"), "# A").unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(path("socket.md")).unwrap();
    std::os::unix::fs::symlink("nowhere", path("broken.md")).unwrap();
    std::os::unix::fs::symlink("a.md", path("link.rtf")).unwrap();
    fs::create_dir(path("folder.md")).unwrap();
    std::os::unix::fs::symlink("folder.md", path("to-a-folder.md")).unwrap();
    let found = documents::find(std::slice::from_ref(&folder.0), None).unwrap();
    assert_eq!(found.documents.iter().map(|document| &*document.path).collect::<Vec<_>>(), [path("a.md")]);
    let mut failures: Vec<_> = found.failures.into_iter().map(|(path, _)| path).collect();
    failures.sort();
    assert_eq!(failures, [path("broken.md"), path("socket.md")]);

    // Named one by one, it is a failure when its turn comes.
    let named = documents::find(&[path("socket.md"), path("a.md")], None).unwrap();
    let texts: Vec<_> = named
        .documents
        .iter()
        .map(|document| read(&document.path, 1000, &BufferPool::default()).ok())
        .collect();
    assert_eq!(texts, [Some("# A".into()), None]);
    match read(&path("socket.md"), 1000, &BufferPool::default()) {
        Err(Unread::Failed(error)) => assert_eq!(error.to_string(), "not a regular file"),
        other => panic!("{other:?}"),
    }
    assert!(documents::find(std::slice::from_ref(&path("not there")), None).is_err());
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_is_a_failure_and_not_the_end() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new("closed");
    let closed = folder.0.join("a-closed");
    fs::create_dir(&closed).unwrap();
    fs::write(folder.0.join("b.md"), "# B").unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    // Root may read everything.
    let is_closed = closed.read_dir().is_err();
    let found = documents::find(std::slice::from_ref(&folder.0), None).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(found.documents.len(), 1);
    let failures: Vec<_> = found.failures.into_iter().map(|(path, _)| path).collect();
    assert_eq!(failures, if is_closed { vec![closed] } else { Vec::new() });
}
