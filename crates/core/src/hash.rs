//! Content hashes: what two runs compare to say "the same".

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{Error, Result, files};

/// SHA-256 of bytes, in lower-case hexadecimal.
pub fn bytes(data: &[u8]) -> String {
    hex(Sha256::digest(data).as_slice())
}

/// SHA-256 of a file's content.
pub fn file(path: &Path) -> Result<String> {
    let mut input = File::open(path).map_err(|e| Error::io(path, "read", &e))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0u8; 1 << 16];
    loop {
        let n = input.read(&mut buffer).map_err(|e| Error::io(path, "read", &e))?;
        if n == 0 {
            return Ok(hex(hasher.finalize().as_slice()));
        }
        hasher.update(&buffer[..n]);
    }
}

/// SHA-256 over the relative names and contents of every file under a folder (or of one file), in name order.
pub fn tree(path: &Path) -> Result<String> {
    if path.is_file() {
        return file(path);
    }
    let mut hasher = Sha256::new();
    for f in files::under(path)? {
        let name = f.strip_prefix(path).unwrap_or(&f).to_string_lossy().replace('\\', "/");
        hasher.update((name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(file(&f)?.as_bytes());
    }
    Ok(hex(hasher.finalize().as_slice()))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_match_the_published_vector() {
        // FIPS 180-2, "abc".
        assert_eq!(bytes(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_tree_hash_sees_names_and_contents() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "1").unwrap();
        let one = tree(dir.path()).unwrap();
        std::fs::rename(dir.path().join("a"), dir.path().join("b")).unwrap();
        let renamed = tree(dir.path()).unwrap();
        assert_ne!(one, renamed);
        std::fs::write(dir.path().join("b"), "2").unwrap();
        assert_ne!(renamed, tree(dir.path()).unwrap());
    }
}
