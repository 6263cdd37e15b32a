//! Checkpoints: everything a killed run needs to end with the same bits. Written whole, then renamed.
//!
//! `step-00001000/` holds `model.safetensors`, `optimizer.safetensors` and `state.json`.

use std::path::{Path, PathBuf};

use bantam_core::{Error, Result, files};
use bantam_data::packing::Cursor;
use bantam_model::weights::NamedTensor;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use crate::early_stopping::EarlyStopping;
use crate::guards::explosion::LossWatch;

/// What is not a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    steps: u64,
    cursor: Cursor,
    watch: LossWatch,
    stopping: EarlyStopping,
    /// Hash of what the run was told; a checkpoint of another run is refused.
    run: String,
}

/// A run after some steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Steps taken.
    pub steps: u64,
    /// Where the loader stands.
    pub cursor: Cursor,
    /// The losses that the explosion guard remembers.
    pub watch: LossWatch,
    /// The best validation so far.
    pub stopping: EarlyStopping,
    /// Hash of the run's configuration and data.
    pub run: String,
    /// Parameters.
    pub weights: Vec<NamedTensor>,
    /// What the optimizer remembers.
    pub optimizer: Vec<NamedTensor>,
}

impl Checkpoint {
    /// Writes `folder/step-<steps>` and returns its path.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let path = path(folder, self.steps);
        files::create_dir(folder)?;
        let state = State {
            steps: self.steps,
            cursor: self.cursor.clone(),
            watch: self.watch.clone(),
            stopping: self.stopping,
            run: self.run.clone(),
        };
        files::write_dir(&path, |dir| {
            write_tensors(&dir.join("model.safetensors"), &self.weights)?;
            write_tensors(&dir.join("optimizer.safetensors"), &self.optimizer)?;
            let json = serde_json::to_vec_pretty(&state).map_err(|e| Error::internal("checkpoint", e))?;
            files::write(&dir.join("state.json"), &json)
        })?;
        Ok(path)
    }

    /// Reads a `step-<n>` folder.
    pub fn read(path: &Path) -> Result<Self> {
        let state_path = path.join("state.json");
        let state: State = serde_json::from_slice(&files::read(&state_path)?).map_err(|e| {
            Error::input(state_path.display(), e, "remove this checkpoint and resume from an earlier one")
        })?;
        Ok(Self {
            steps: state.steps,
            cursor: state.cursor,
            watch: state.watch,
            stopping: state.stopping,
            run: state.run,
            weights: read_tensors(&path.join("model.safetensors"))?,
            optimizer: read_tensors(&path.join("optimizer.safetensors"))?,
        })
    }
}

/// Where the checkpoint after `step` is.
pub fn path(folder: &Path, step: u64) -> PathBuf {
    folder.join(format!("step-{step:08}"))
}

/// The newest checkpoint in a folder; `None` where there is none. Unfinished ones have other names and are not seen.
pub fn latest(folder: &Path) -> Result<Option<PathBuf>> {
    Ok(steps(folder)?.pop().map(|step| path(folder, step)))
}

/// Removes all but the newest `keep` checkpoints and those after the steps `needed`.
pub fn prune(folder: &Path, keep: usize, needed: &[u64]) -> Result<()> {
    let all = steps(folder)?;
    for step in &all[..all.len().saturating_sub(keep)] {
        if !needed.contains(step) {
            let old = path(folder, *step);
            std::fs::remove_dir_all(&old).map_err(|e| Error::io(&old, "remove", &e))?;
        }
    }
    Ok(())
}

/// The steps that a folder has checkpoints of, ascending.
pub fn steps(folder: &Path) -> Result<Vec<u64>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let failed = |e| Error::io(folder, "read the folder", &e);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        let digits = name.strip_prefix("step-").filter(|n| n.len() >= 8 && n.bytes().all(|b| b.is_ascii_digit()));
        found.extend(digits.and_then(|n| n.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// Where the weights are that a run ended with, if they are not those of its newest checkpoint.
const FINAL: &str = "final";

/// Writes the weights that a run ends with. `None`: they are those of the newest checkpoint, and a file that says
/// otherwise is removed.
pub(crate) fn write_final(folder: &Path, weights: Option<&[NamedTensor]>) -> Result<()> {
    let path = folder.join(FINAL);
    match weights {
        Some(weights) => files::write_dir(&path, |dir| write_tensors(&dir.join("model.safetensors"), weights)),
        None if path.exists() => std::fs::remove_dir_all(&path).map_err(|e| Error::io(&path, "remove", &e)),
        None => Ok(()),
    }
}

/// The folder that holds the weights a run ended with (`model.safetensors`); `None` where there is no checkpoint.
pub fn final_folder(folder: &Path) -> Result<Option<PathBuf>> {
    let path = folder.join(FINAL);
    if path.is_dir() { Ok(Some(path)) } else { latest(folder) }
}

/// The weights that a run ended with, by name; `None` where there is no checkpoint.
pub fn final_weights(folder: &Path) -> Result<Option<Vec<NamedTensor>>> {
    final_folder(folder)?.map(|path| read_tensors(&path.join("model.safetensors"))).transpose()
}

fn write_tensors(path: &Path, tensors: &[NamedTensor]) -> Result<()> {
    let views: Vec<(&str, TensorView<'_>)> = tensors
        .iter()
        .map(|(name, shape, values)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytemuck::cast_slice(values));
            Ok((name.as_str(), view.map_err(|e| Error::internal(name, e))?))
        })
        .collect::<Result<_>>()?;
    let bytes = safetensors::serialize(views, None).map_err(|e| Error::internal(path.display(), e))?;
    files::write(path, &bytes)
}

fn read_tensors(path: &Path) -> Result<Vec<NamedTensor>> {
    let bytes = files::read(path)?;
    let wrong =
        |what: String| Error::input(path.display(), what, "remove this checkpoint and resume from an earlier one");
    let file = SafeTensors::deserialize(&bytes).map_err(|e| wrong(e.to_string()))?;
    let mut tensors = Vec::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(wrong(format!("tensor {name} is not F32")));
        }
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        tensors.push((name, view.shape().to_vec(), values));
    }
    // The reader's own order changes from call to call.
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(tensors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bantam_data::packing::SourceCursor;

    #[test]
    fn a_checkpoint_survives_and_the_newest_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let mut checkpoint = Checkpoint {
            steps: 5,
            cursor: Cursor { phase: 1, sources: vec![SourceCursor { epoch: 2, position: 3, tokens: 4 }] },
            watch: LossWatch::default(),
            stopping: EarlyStopping::default(),
            run: "abc".into(),
            weights: vec![("a".into(), vec![2, 3], (0..6).map(|i| i as f32 / 3.0).collect())],
            optimizer: vec![("m/a".into(), vec![2, 3], vec![0.5; 6])],
        };
        let first = checkpoint.write(dir.path()).unwrap();
        assert_eq!(Checkpoint::read(&first).unwrap(), checkpoint);
        checkpoint.steps = 12;
        let second = checkpoint.write(dir.path()).unwrap();
        std::fs::create_dir(dir.path().join(".step-00000099.1.tmp")).unwrap();
        assert_eq!(latest(dir.path()).unwrap(), Some(second.clone()));
        prune(dir.path(), 1, &[5]).unwrap();
        assert!(first.exists() && second.exists());
        prune(dir.path(), 1, &[]).unwrap();
        assert!(!first.exists() && second.exists());
        assert_eq!(final_weights(dir.path()).unwrap(), Some(checkpoint.weights.clone()));
        let other = vec![("a".to_string(), vec![1], vec![7.0])];
        write_final(dir.path(), Some(&other)).unwrap();
        assert_eq!(final_weights(dir.path()).unwrap(), Some(other));
        write_final(dir.path(), None).unwrap();
        assert_eq!(final_folder(dir.path()).unwrap(), Some(second.clone()));
        std::fs::write(second.join("model.safetensors"), b"short").unwrap();
        let e = Checkpoint::read(&second).unwrap_err();
        assert_eq!(e.exit_code(), 2);
    }
}
