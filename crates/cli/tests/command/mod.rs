//! How does a test run the binary, and on what model?

#![allow(dead_code)] // Each test file uses its own part.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;

/// The binary with arguments; no progress, so that standard error is the error line alone.
pub fn bantam<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bantam"));
    command.arg("--quiet").args(arguments);
    command
}

/// Runs a command that has to succeed and returns its last line of standard output, a JSON object.
pub fn json(command: &mut Command) -> Value {
    let output = command.arg("--json").output().unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{stdout}\n{stderr}");
    serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
}

/// Runs a command that has to fail on its input: exit code 2, nothing on standard output, one line that holds `told`.
pub fn refused(command: &mut Command, told: &[&str]) -> String {
    let output = command.output().unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{command:?}\n{stdout}\n{stderr}");
    assert_eq!(stdout, "", "{command:?}");
    assert_eq!(stderr.lines().count(), 1, "{command:?}\n{stderr}");
    assert!(stderr.starts_with("error: "), "{stderr}");
    for part in told {
        assert!(stderr.contains(part), "{command:?}\nno `{part}` in: {stderr}");
    }
    stderr
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether the process ended as it should.
pub fn succeeded(output: &Output) -> bool {
    output.status.success()
}

/// `recipes/tiny.toml`.
pub fn tiny_recipe() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes/tiny.toml")
}

/// A finished run of the tiny recipe, made once for each test file. Read only.
pub fn tiny_run() -> &'static Path {
    static RUN: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = RUN.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tiny");
        json(bantam(["run"]).arg(tiny_recipe()).arg("--out").arg(&path));
        (dir, path)
    });
    path
}

/// A copy of a folder.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Names of all files under a folder, hidden ones too.
pub fn files_under(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(dir).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}
