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

/// What is not a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    steps: u64,
    cursor: Cursor,
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
    /// Hash of the run's configuration and data.
    pub run: String,
    /// Parameters.
    pub weights: Vec<NamedTensor>,
    /// The optimizer's moments.
    pub optimizer: Vec<NamedTensor>,
}

impl Checkpoint {
    /// Writes `folder/step-<steps>` and returns its path.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(format!("step-{:08}", self.steps));
        files::create_dir(folder)?;
        let state = State { steps: self.steps, cursor: self.cursor, run: self.run.clone() };
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
            run: state.run,
            weights: read_tensors(&path.join("model.safetensors"))?,
            optimizer: read_tensors(&path.join("optimizer.safetensors"))?,
        })
    }
}

/// The newest checkpoint in a folder; `None` where there is none. Unfinished ones have other names and are not seen.
pub fn latest(folder: &Path) -> Result<Option<PathBuf>> {
    Ok(steps_in(folder)?.pop())
}

/// Removes all but the newest `keep` checkpoints.
pub fn prune(folder: &Path, keep: usize) -> Result<()> {
    let all = steps_in(folder)?;
    for old in &all[..all.len().saturating_sub(keep)] {
        std::fs::remove_dir_all(old).map_err(|e| Error::io(old, "remove", &e))?;
    }
    Ok(())
}

fn steps_in(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let failed = |e| Error::io(folder, "read the folder", &e);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.strip_prefix("step-").is_some_and(|n| n.len() == 8 && n.bytes().all(|b| b.is_ascii_digit())) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
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
    Ok(tensors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_survives_and_the_newest_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let mut checkpoint = Checkpoint {
            steps: 5,
            cursor: Cursor { phase: 1, epoch: 2, position: 3 },
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
        prune(dir.path(), 1).unwrap();
        assert!(!first.exists() && second.exists());
        std::fs::write(second.join("model.safetensors"), b"short").unwrap();
        let e = Checkpoint::read(&second).unwrap_err();
        assert_eq!(e.exit_code(), 2);
    }
}
