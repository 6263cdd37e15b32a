//! How do a model and its adapter become one model? Merged in f32, compared before anything is written, never twice.

use std::path::Path;

use bantam_core::{Error, Result, files, seed};
use bantam_formats::peft::{Adapter, weights_hash};
use bantam_formats::{ModelArtifact, ModelConfig, hf};
use bantam_model::weights::{self, NamedTensor};
use bantam_model::{SequenceContext, TokenModel, adapters};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// The file in a merged model's folder that says which adapters are in its weights.
pub const RECORD_FILE: &str = "merged_adapters.json";

/// Largest difference between the adapted and the merged model's logits, over the largest logit: f32 sums in another
/// order differ by about 1e-6.
pub const TOLERANCE: f64 = 1e-4;

/// Probe sequences, and their length.
const PROBES: [usize; 2] = [8, 32];

/// An adapter that was merged into a model's weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MergeRecord {
    /// Hash of the adapter's values and scale.
    pub adapter_sha256: String,
    /// Hash of the weights it was merged into.
    pub base_sha256: String,
}

/// What merging did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Merged {
    /// Matrices that changed.
    pub matrices: usize,
    /// Tokens on which the adapted and the merged model were compared.
    pub probe_tokens: usize,
    /// Largest difference of their logits, over the largest logit.
    pub difference: f64,
    /// [`TOLERANCE`].
    pub tolerance: f64,
    /// What was merged into what.
    #[serde(flatten)]
    pub record: MergeRecord,
}

/// Merges the adapter in the folder `adapter` into the model `base` (a Hugging Face folder, a GGUF file or a run folder)
/// and writes a Hugging Face folder of f32 weights to `out`, with the base's tokenizer and chat template.
///
/// # Errors
/// Exit code 2 where the adapter is not the base's or is merged already, 1 where adapted and merged logits differ by more
/// than [`TOLERANCE`]; nothing is written then.
pub fn merge(base: &Path, adapter: &Path, out: &Path) -> Result<Merged> {
    if out.exists() {
        return Err(Error::input(out.display(), "is there already", "choose another --out"));
    }
    let artifact = ModelArtifact::open_to_train(base)?;
    let config = artifact.config();
    let pair = Adapter::read(adapter, config)?;
    let mut records = read_records(artifact.path())?;
    let record = MergeRecord { adapter_sha256: pair.sha256(), base_sha256: weights_hash(&artifact)? };
    check_origin(&pair, &record, &records, adapter, artifact.path())?;

    let device = Device::flex();
    let plain = weights::load_artifact(&artifact, &device)?;
    let mut merged = weights::read(&plain);
    adapters::merge(&mut merged, &pair)?;
    let adapted = adapters::attach(plain.clone(), &pair, &device)?;
    let merged_model = weights::load(plain, merged.clone(), "merged weights")?;
    let difference = difference(&adapted, &merged_model, config, &device);
    if difference.is_nan() || difference > TOLERANCE {
        return Err(Error::check(
            adapter.display(),
            format!(
                "adapted and merged logits differ by {difference:.2e} of the largest logit, allowed are {TOLERANCE:.0e}"
            ),
            "nothing was written; the adapter's values are too large for f32, or this is a bug",
        ));
    }
    records.push(record.clone());
    write(out, &artifact, &merged, &records)?;
    Ok(Merged {
        matrices: pair.pairs.len(),
        probe_tokens: PROBES[0] * PROBES[1].min(config.max_position_embeddings),
        difference,
        tolerance: TOLERANCE,
        record,
    })
}

fn write(out: &Path, base: &ModelArtifact, weights: &[NamedTensor], records: &[MergeRecord]) -> Result<()> {
    let has_tokenizer = !base.path().is_dir() || base.path().join("tokenizer.json").exists();
    let tokenizer = if has_tokenizer { Some(base.tokenizer_bundle()?) } else { None };
    let text = serde_json::to_string_pretty(records).map_err(|e| Error::internal(RECORD_FILE, e))?;
    files::write_dir(out, |dir| {
        hf::write_folder(dir, base.config(), weights, tokenizer.as_ref())?;
        files::write(&dir.join(RECORD_FILE), format!("{text}\n").as_bytes())
    })
}

/// The adapters that are in a model's weights already; a GGUF file has no place to say so.
fn read_records(model: &Path) -> Result<Vec<MergeRecord>> {
    let path = model.join(RECORD_FILE);
    if !path.is_file() {
        return Ok(Vec::new());
    }
    serde_json::from_slice(&files::read(&path)?)
        .map_err(|e| Error::input(path.display(), e, "restore the merged model from its origin"))
}

/// Refuses an adapter that is in the weights already, or that was made for other weights.
fn check_origin(
    adapter: &Adapter,
    record: &MergeRecord,
    earlier: &[MergeRecord],
    adapter_path: &Path,
    base_path: &Path,
) -> Result<()> {
    if earlier.iter().any(|r| r.adapter_sha256 == record.adapter_sha256) {
        let what = format!("{} has this adapter in its weights already", base_path.display());
        return Err(Error::input(adapter_path.display(), what, "use the model as it is"));
    }
    match &adapter.base_sha256 {
        Some(hash) if *hash != record.base_sha256 => {
            let what = format!("the adapter was made for other weights than those of {}", base_path.display());
            Err(Error::input(adapter_path.display(), what, "give the base model that it was trained on"))
        }
        None if !earlier.is_empty() => {
            let what = format!(
                "{} is a merged model, and the adapter does not say that it was made for it",
                base_path.display()
            );
            Err(Error::input(adapter_path.display(), what, "merge into the base model that it was trained on"))
        }
        _ => Ok(()),
    }
}

/// The largest difference of two models' logits on random tokens, over the second's largest logit.
fn difference(a: &TokenModel, b: &TokenModel, config: &ModelConfig, device: &Device) -> f64 {
    let (rows, length) = (PROBES[0], PROBES[1].min(config.max_position_embeddings));
    let mut rng = seed::rng(0, "merge/probes");
    let ids: Vec<i32> = (0..rows * length).map(|_| rng.random_range(0..config.vocab_size as i32)).collect();
    let context = SequenceContext::whole_rows(rows, length);
    let logits = |model: &TokenModel| -> Vec<f32> {
        let tokens = Tensor::<2, Int>::from_data(TensorData::new(ids.clone(), [rows, length]), device);
        model.logits(tokens, &context).into_data().try_into_vec().unwrap_or_default()
    };
    let (a, b) = (logits(a), logits(b));
    let largest = b.iter().fold(0f64, |m, &x| m.max(f64::from(x.abs())));
    let apart = a.iter().zip(&b).map(|(x, y)| f64::from((x - y).abs()));
    // Not `max`, which passes over what is not a number.
    let apart = apart.fold(0f64, |m, d| if d > m || d.is_nan() { d } else { m });
    if a.len() == b.len() && largest > 0.0 { apart / largest } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn golden(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
    }

    const BASE: &str = "runtime/tests/data/smollm2";
    const ADAPTER: &str = "model/tests/data/peft/smollm2";

    #[test]
    fn a_merge_is_checked_written_once_and_not_repeated() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("merged");
        let merged = merge(&golden(BASE), &golden(ADAPTER), &out).unwrap();
        assert_eq!(merged.matrices, 14);
        assert!(merged.difference > 0.0 && merged.difference < 1e-5, "{}", merged.difference);
        // Tied embeddings stay one tensor.
        let (base, model) = (ModelArtifact::open(golden(BASE)).unwrap(), ModelArtifact::open(&out).unwrap());
        assert_eq!(model.config().tensor_specs(), base.config().tensor_specs());
        assert!(model.config().tie_word_embeddings && model.dtype("lm_head.weight").is_none());
        // Neither over itself, nor into what it is in already, nor one of another origin.
        assert!(merge(&golden(BASE), &golden(ADAPTER), &out).unwrap_err().to_string().contains("there already"));
        let again = dir.path().join("again");
        let e = merge(&out, &golden(ADAPTER), &again).unwrap_err();
        assert!(e.exit_code() == 2 && e.to_string().contains("in its weights already"), "{e}");
        let mut other = Adapter::read(&golden(ADAPTER), base.config()).unwrap();
        other.pairs[0].a[0] += 1.0;
        other.write(&dir.path().join("other")).unwrap();
        let e = merge(&out, &dir.path().join("other"), &again).unwrap_err();
        assert!(e.exit_code() == 2 && e.to_string().contains("does not say"), "{e}");
        other.base_sha256 = Some(weights_hash(&model).unwrap());
        other.write(&dir.path().join("other")).unwrap();
        let e = merge(&golden(BASE), &dir.path().join("other"), &again).unwrap_err();
        assert!(e.exit_code() == 2 && e.to_string().contains("other weights"), "{e}");
        assert!(!again.exists());
        merge(&out, &dir.path().join("other"), &again).unwrap();
        assert_eq!(read_records(&again).unwrap().len(), 2);
    }

    #[test]
    fn an_adapter_too_large_for_f32_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let base = ModelArtifact::open(golden(BASE)).unwrap();
        let mut adapter = Adapter::read(&golden(ADAPTER), base.config()).unwrap();
        adapter.pairs[0].a.fill(1e30);
        adapter.pairs[0].b.fill(1e30);
        adapter.write(&dir.path().join("adapter")).unwrap();
        let out = dir.path().join("out");
        let e = merge(&golden(BASE), &dir.path().join("adapter"), &out).unwrap_err();
        assert!(e.exit_code() == 1 && !out.exists(), "{e}");
    }
}
