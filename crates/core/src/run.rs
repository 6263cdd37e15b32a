//! What lies where in a run folder, and which folders are one?
//!
//! Knows names only: not what a recipe says, nor what a model is.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::{Error, Result, files};

/// The folder of one run: `runs/<name>/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

/// Held while one process fills a run folder; released when dropped, also by a kill.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunFolder {
    /// Makes a run folder, or opens the one that is there. A folder with something else in it is refused:
    /// nothing of the user's is ever mixed into a run.
    pub fn create(path: &Path) -> Result<Self> {
        let run = Self { path: path.to_owned() };
        if path.is_dir() && !run.is_run() {
            let entries = fs::read_dir(path).map_err(|e| Error::io(path, "read the folder", &e))?;
            if entries.filter_map(|e| e.ok()).any(|e| !is_left_over(&e.file_name().to_string_lossy())) {
                let what = "the folder is not empty and not a run (it has no recipe.toml)";
                return Err(Error::input(path.display(), what, "choose another --out"));
            }
        }
        files::create_dir(path)?;
        Ok(run)
    }

    /// Opens the run folder at `path`.
    pub fn open(path: &Path) -> Result<Self> {
        let run = Self { path: path.to_owned() };
        if !path.exists() {
            return Err(Error::input(path.display(), "no such run folder", "`bantam runs list` names those there are"));
        }
        if !run.is_run() {
            let what = "not a run folder (it has no recipe.toml)";
            return Err(Error::input(path.display(), what, "`bantam runs list` names those there are"));
        }
        Ok(run)
    }

    /// Every run folder directly under `dir`, by name. No such folder means no runs.
    pub fn list(dir: &Path) -> Result<Vec<Self>> {
        if !dir.exists() {
            return Ok(Vec::new());
        }
        let failed = |e| Error::io(dir, "read the folder", &e);
        let mut runs = Vec::new();
        for entry in fs::read_dir(dir).map_err(failed)? {
            let run = Self { path: entry.map_err(failed)?.path() };
            if run.is_run() {
                runs.push(run);
            }
        }
        runs.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(runs)
    }

    /// Makes sure that no other process is filling this folder, for as long as the lock lives, and sweeps away
    /// what a killed one left under temporary names.
    pub fn lock(&self) -> Result<RunLock> {
        let path = self.path.join(".lock");
        let file = File::create(&path).map_err(|e| Error::io(&path, "write", &e))?;
        match file.try_lock() {
            Ok(()) => {
                // Only under the lock: every temporary file in the folder then has no writer.
                sweep(&self.path);
                Ok(RunLock { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let what = "another process is working on this run";
                Err(Error::input(self.path.display(), what, "wait for it, or choose another --out"))
            }
            Err(TryLockError::Error(e)) => Err(Error::io(&path, "lock", &e)),
        }
    }

    fn is_run(&self) -> bool {
        self.recipe().is_file()
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's name.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// The fully resolved recipe.
    pub fn recipe(&self) -> PathBuf {
        self.path.join("recipe.toml")
    }

    /// Where the run comes from and what it made.
    pub fn lineage(&self) -> PathBuf {
        self.path.join("lineage.json")
    }

    /// One JSON object per logged training step.
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// Stamps of finished stages.
    pub fn stamps(&self) -> PathBuf {
        self.path.join(".stages")
    }

    /// Items and schemas.
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// The trained tokenizer.
    pub fn tokenizer(&self) -> PathBuf {
        self.path.join("tokenizer")
    }

    /// Training checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// The Hugging Face folder.
    pub fn model(&self) -> PathBuf {
        self.path.join("model")
    }

    /// A trained adapter, in PEFT's format.
    pub fn adapter(&self) -> PathBuf {
        self.path.join("adapter")
    }

    /// The packaged GGUF of one tensor type, such as `q8_0`.
    pub fn gguf(&self, tensor_type: &str) -> PathBuf {
        self.path.join(format!("model-{tensor_type}.gguf"))
    }

    /// Result files and their samples.
    pub fn results(&self) -> PathBuf {
        self.path.join("results")
    }

    /// The report in Markdown.
    pub fn report_markdown(&self) -> PathBuf {
        self.path.join("report.md")
    }

    /// The report as one self-contained page.
    pub fn report_html(&self) -> PathBuf {
        self.path.join("report.html")
    }
}

/// Removes temporary files and folders, at any depth.
fn sweep(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let is_folder = entry.file_type().is_ok_and(|t| t.is_dir());
        // What cannot be removed is in nobody's way.
        if name != ".lock" && is_left_over(&name.to_string_lossy()) {
            let _ = if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        } else if is_folder {
            sweep(&path);
        }
    }
}

/// What a process killed before its recipe was written may have left: its lock and temporary files.
fn is_left_over(name: &str) -> bool {
    name == ".lock" || (name.starts_with('.') && name.ends_with(".tmp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_a_folder_with_a_recipe() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("runs/a");
        assert_eq!(RunFolder::list(&dir.path().join("runs")).unwrap(), []);
        let run = RunFolder::create(&path).unwrap();
        assert_eq!(RunFolder::open(&path).unwrap_err().exit_code(), 2);
        files::write(&run.recipe(), b"").unwrap();
        assert_eq!(RunFolder::open(&path).unwrap(), run);
        assert_eq!(RunFolder::create(&path).unwrap(), run);
        fs::create_dir(dir.path().join("runs/b")).unwrap();
        fs::write(dir.path().join("runs/c"), "a file").unwrap();
        let names: Vec<_> = RunFolder::list(&dir.path().join("runs")).unwrap().iter().map(RunFolder::name).collect();
        assert_eq!(names, ["a"]);
    }

    #[test]
    fn a_folder_with_other_things_in_it_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "years").unwrap();
        let error = RunFolder::create(dir.path()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        // A path under a file cannot be a folder, whoever the user is.
        assert_eq!(RunFolder::create(&dir.path().join("thesis.tex/run")).unwrap_err().exit_code(), 2);
        assert_eq!(RunFolder::create(&dir.path().join("thesis.tex")).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn two_processes_cannot_fill_one_run() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunFolder::create(dir.path()).unwrap();
        fs::write(dir.path().join(".recipe.toml.99.tmp"), "half").unwrap();
        let run = RunFolder::create(run.path()).unwrap();
        files::write(&run.recipe(), b"").unwrap();
        fs::create_dir_all(dir.path().join("checkpoints/.step-1.99.tmp/deeper")).unwrap();
        let held = run.lock().unwrap();
        assert!(!dir.path().join(".recipe.toml.99.tmp").exists());
        assert_eq!(fs::read_dir(dir.path().join("checkpoints")).unwrap().count(), 0);
        assert!(run.lock().unwrap_err().to_string().contains("another process"));
        drop(held);
        run.lock().unwrap();
    }
}
