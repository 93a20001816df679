//! The parts of the example `convert` that touch other people's files.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

#[path = "../examples/convert/output.rs"]
mod output;

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use millpond::Format;
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
