//! Which source revision is built? Read from the repository's files, so that no `git` is needed; unknown elsewhere.

use std::path::{Path, PathBuf};

fn main() {
    let git = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.git");
    println!("cargo:rerun-if-changed={}", git.join("HEAD").display());
    if let Some((revision, read_from)) = revision(&git) {
        println!("cargo:rerun-if-changed={}", read_from.display());
        println!("cargo:rustc-env=BANTAM_REVISION={revision}");
    }
}

/// The commit that HEAD names, and the file it was read from.
fn revision(git: &Path) -> Option<(String, PathBuf)> {
    let head = std::fs::read_to_string(git.join("HEAD")).ok()?;
    let is_hash = |text: &str| text.len() >= 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let Some(name) = head.trim().strip_prefix("ref: ") else {
        return is_hash(head.trim()).then(|| (head.trim().to_owned(), git.join("HEAD")));
    };
    let loose = git.join(name);
    if let Ok(hash) = std::fs::read_to_string(&loose) {
        return is_hash(hash.trim()).then(|| (hash.trim().to_owned(), loose));
    }
    let packed = git.join("packed-refs");
    let line = std::fs::read_to_string(&packed).ok()?.lines().find(|l| l.ends_with(&format!(" {name}")))?.to_owned();
    let hash = line.split(' ').next()?;
    is_hash(hash).then(|| (hash.to_owned(), packed))
}
