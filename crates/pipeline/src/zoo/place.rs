//! Where does an unfinished run of the zoo lie, and who is at it?

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use bantam_core::{Error, Result, files};

/// Where unfinished runs keep their checkpoints.
pub(super) const UNFINISHED: &str = ".unfinished";

/// The folder of an unfinished run, held against other processes.
pub(super) struct Place {
    path: PathBuf,
    lock: File,
}

impl Place {
    /// `None` when another process has it.
    pub(super) fn take(dir: &Path, id: &str) -> Result<Option<Self>> {
        let path = dir.join(UNFINISHED).join(id);
        files::create_dir(&path)?;
        let at = path.join(".lock");
        let lock = File::create(&at).map_err(|e| Error::io(&at, "write", &e))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { path, lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(Error::io(&at, "lock", &e)),
        }
    }

    pub(super) fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    pub(super) fn curve(&self) -> PathBuf {
        self.path.join("curve.json")
    }

    /// The run is over.
    pub(super) fn remove(self) -> Result<()> {
        drop(self.lock);
        std::fs::remove_dir_all(&self.path).map_err(|e| Error::io(&self.path, "remove", &e))
    }
}
