//! Is the model causal? Asked before the first step: a model that sees the future scores perfectly and writes nothing.

use bantam_core::{Error, Result, seed};
use bantam_formats::{ModelConfig, VectorConfig};
use bantam_model::{SequenceContext, TokenModel, VectorModel, VectorState};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// What the probe looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probed {
    /// Length of the sequence.
    pub length: usize,
    /// Positions that were changed, one at a time.
    pub changes: usize,
}

/// Probes a token model; see [`causality_of`].
pub(crate) fn of_tokens(model: &TokenModel, config: &ModelConfig, run_seed: u64, device: &Device) -> Result<Probed> {
    let length = config.max_position_embeddings.min(LENGTH);
    let context = SequenceContext::whole_rows(1, length);
    let device = device.clone().without_autodiff();
    let logits = |ids: &[i32]| -> Vec<f32> {
        let tokens = Tensor::<2, Int>::from_data(TensorData::new(ids.to_vec(), [1, length]), &device);
        model.logits(tokens, &context).inner().into_data().try_into_vec().unwrap_or_default()
    };
    causality_of(logits, config.vocab_size, length, run_seed)
}

/// Probes a vector model with random vectors, one for each of some ids; see [`causality_of`].
pub(crate) fn of_vectors(model: &VectorModel, config: &VectorConfig, run_seed: u64, device: &Device) -> Result<Probed> {
    let (length, size) = (config.blocks.max_position_embeddings.min(LENGTH), config.vector_size);
    let context = SequenceContext::whole_rows(1, length);
    let device = device.clone().without_autodiff();
    let codes: Vec<u32> = (0..length).map(|t| (t % config.domains.max(1)) as u32).collect();
    let predictions = |ids: &[i32]| -> Vec<f32> {
        let vector = |id: &i32| {
            let mut rng = seed::rng(run_seed, &format!("probe/vector/{id}"));
            (0..size).map(|_| StandardNormal.sample(&mut rng)).collect::<Vec<f32>>()
        };
        let x = TensorData::new(ids.iter().flat_map(vector).collect::<Vec<f32>>(), [1, length, size]);
        let x: Tensor<3> = Tensor::from_data(x, &device);
        let y = model.forward(x.clone(), &codes, &context, &mut VectorState::default());
        // A denoiser starts without hearing its context: what it is told has to be looked at by itself.
        let encoded = model.encoded(x, &codes, &context);
        Tensor::cat(vec![y, encoded], 2).inner().into_data().try_into_vec().unwrap_or_default()
    };
    causality_of(predictions, LENGTH, length, run_seed)
}

/// Length of the sequence, at most; and so many different vectors.
const LENGTH: usize = 64;

/// Changes single inputs of a random sequence of ids and demands that the outputs (as many for each position, row-major) of every
/// earlier position are equal to the last bit, and that some later one is not (a model that ignores its input proves
/// nothing).
///
/// # Errors
/// A failed check (exit code 1) naming the first position that saw the future.
pub fn causality_of(
    outputs: impl Fn(&[i32]) -> Vec<f32>,
    vocabulary: usize,
    length: usize,
    run_seed: u64,
) -> Result<Probed> {
    let mut rng = seed::rng(run_seed, "probe/causality");
    let mut ids: Vec<i32> = (0..length).map(|_| (rng.next_u32() as usize % vocabulary) as i32).collect();
    let before = outputs(&ids);
    let width = (before.len() / length).max(1);
    let mut changed: Vec<usize> = vec![1, length / 4, length / 2, length.saturating_sub(1)];
    changed.retain(|&p| p > 0 && p < length);
    changed.dedup();
    for &position in &changed {
        let kept = ids[position];
        ids[position] = (kept + 1) % vocabulary as i32;
        let after = outputs(&ids);
        ids[position] = kept;
        let first = before.iter().zip(&after).position(|(a, b)| a.to_bits() != b.to_bits());
        match first.map(|i| i / width) {
            Some(row) if row < position => {
                return Err(Error::check(
                    "causality probe",
                    format!("changing input {position} changed the output at position {row}"),
                    "the model sees the future and will not be trained: mask its mixers",
                ));
            }
            None => {
                return Err(Error::check(
                    "causality probe",
                    format!("changing input {position} changed no output"),
                    "the model ignores its input: check its weights",
                ));
            }
            Some(_) => {}
        }
    }
    Ok(Probed { length, changes: changed.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits that depend on the tokens from the first to `last(position)`.
    fn toy(last: impl Fn(usize) -> usize) -> impl Fn(&[i32]) -> Vec<f32> {
        move |ids| {
            let sum = |p: usize| ids[..=last(p).min(ids.len() - 1)].iter().sum::<i32>() as f32;
            (0..ids.len()).flat_map(|p| (0..7).map(move |t| (p, t))).map(|(p, t)| sum(p) * t as f32).collect()
        }
    }

    #[test]
    fn a_causal_model_passes_and_one_that_looks_ahead_does_not() {
        assert_eq!(causality_of(toy(|p| p), 7, 32, 1).unwrap().changes, 4);
        let e = causality_of(toy(|p| p + 1), 7, 32, 1).unwrap_err();
        assert_eq!(e.exit_code(), 1);
        assert!(e.to_string().contains("sees the future"), "{e}");
        assert!(causality_of(toy(|_| usize::MAX), 7, 32, 1).is_err());
    }

    #[test]
    fn a_model_that_ignores_its_input_does_not_pass() {
        let e = causality_of(|ids| vec![0.0; ids.len() * 7], 7, 32, 1).unwrap_err();
        assert!(e.to_string().contains("ignores its input"), "{e}");
    }
}
