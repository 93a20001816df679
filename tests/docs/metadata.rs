//! What cargo knows of the workspace.

use std::process::Command;

use serde_json::Value;

use crate::root;

/// `cargo metadata` with these arguments.
pub(crate) fn metadata(arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--format-version", "1", "--locked"]).args(arguments).current_dir(root());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The package of this name.
pub(crate) fn package<'a>(metadata: &'a Value, name: &str) -> &'a Value {
    let mut packages = metadata["packages"].as_array().unwrap().iter();
    packages.find(|package| package["name"] == name).unwrap_or_else(|| panic!("no package {name}"))
}
