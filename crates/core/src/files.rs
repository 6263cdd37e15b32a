//! Files and folders that appear under their final name whole, or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Reads a whole file, naming it in the error.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Error::io(path, "read", &e))
}

/// Reads a whole UTF-8 file, naming it in the error.
pub fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| Error::io(path, "read", &e))
}

/// Creates a folder and its parents.
pub fn create_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|e| Error::io(path, "create the folder", &e))
}

/// Every file under a folder, at any depth, by path.
pub fn under(dir: &Path) -> Result<Vec<PathBuf>> {
    let failed = |e| Error::io(dir, "read the folder", &e);
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            found.extend(under(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Writes a file through `fill` to a temporary name beside `path`, syncs it and renames it.
/// On any error the temporary file is removed and `path` is as it was.
pub fn write_with(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<()> {
    let temporary = temporary_beside(path);
    let written = (|| {
        let mut out = BufWriter::new(File::create(&temporary)?);
        fill(&mut out)?;
        out.into_inner().map_err(|e| e.into_error())?.sync_all()?;
        fs::rename(&temporary, path)
    })();
    written.map_err(|e| {
        let _ = fs::remove_file(&temporary);
        Error::io(path, "write", &e)
    })
}

/// [`write_with`] for bytes at hand.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |out| out.write_all(bytes))
}

/// Fills a folder under a temporary name beside `path`, then puts it in place of `path`.
/// An earlier folder of that name is replaced only once the new one is whole.
pub fn write_dir(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let temporary = temporary_beside(path);
    let _ = fs::remove_dir_all(&temporary);
    let filled = (|| {
        create_dir(&temporary)?;
        fill(&temporary)?;
        if path.exists() {
            let old = temporary.with_extension("old.tmp");
            let _ = fs::remove_dir_all(&old);
            fs::rename(path, &old).map_err(|e| Error::io(path, "replace", &e))?;
            fs::rename(&temporary, path).map_err(|e| Error::io(path, "write", &e))?;
            let _ = fs::remove_dir_all(&old);
            return Ok(());
        }
        fs::rename(&temporary, path).map_err(|e| Error::io(path, "write", &e))
    })();
    filled.map_err(|e| {
        let _ = fs::remove_dir_all(&temporary);
        // The temporary name is nothing the user knows.
        let place = e.place().replace(&*temporary.to_string_lossy(), &path.to_string_lossy());
        e.at(place)
    })
}

/// A name in the same folder (renames must not cross file systems) that no other process uses.
fn temporary_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_temporary() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        write(&path, b"old").unwrap();
        let failed = write_with(&path, |out| {
            out.write_all(b"half")?;
            Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
        });
        assert!(failed.unwrap_err().to_string().contains("free space"));
        assert_eq!(read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_replaced_only_when_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model");
        write_dir(&path, |d| write(&d.join("x"), b"1")).unwrap();
        let error = write_dir(&path, |d| {
            write(&d.join("x"), b"2")?;
            Err(Error::check(d.join("x").display(), "no", "none"))
        });
        assert_eq!(error.unwrap_err().place(), path.join("x").to_string_lossy());
        assert_eq!(read(&path.join("x")).unwrap(), b"1");
        write_dir(&path, |d| write(&d.join("y"), b"3")).unwrap();
        assert!(!path.join("x").exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
