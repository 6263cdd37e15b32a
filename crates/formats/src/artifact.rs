//! A model on disk, whatever its form: one place to open it, ask its config, take its tensors and its tokenizer.

use std::path::{Path, PathBuf};

use bantam_core::{Error, Result};

use crate::config::ModelConfig;
use crate::gguf;
use crate::hf;
use crate::tensor::{DType, TensorData};
use crate::tokenizer::{Tokenizer, TokenizerBundle};
use crate::weights::Weights;

/// In which form a model lies on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArtifactKind {
    /// A folder with `config.json` and safetensors.
    HuggingFace,
    /// A `.gguf` file.
    Gguf,
}

/// An opened model: config and tensors checked, weights mapped, nothing copied yet.
pub struct ModelArtifact {
    path: PathBuf,
    kind: ArtifactKind,
    config: ModelConfig,
    weights: Weights,
    bytes_on_disk: u64,
    tokenizer: TokenizerSource,
    chat_template: Option<String>,
}

/// Where the tokenizer comes from; built only when asked for.
enum TokenizerSource {
    HuggingFace(hf::HfTokenizerFiles),
    Gguf(gguf::Vocabulary),
}

impl ModelArtifact {
    /// Opens a Hugging Face folder, a `.gguf` file or a run folder (its `model/`).
    ///
    /// Every tensor is checked against the config (present, right shape, readable number format, inside the file), so that later reads cannot
    /// fail on the file's account. Whatever is wrong is an input error that names file, place and remedy.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let metadata = std::fs::metadata(path).map_err(|e| Error::io(path, "read", &e))?;
        if !metadata.is_dir() {
            return Self::open_gguf(path);
        }
        if path.join("config.json").exists() {
            return Self::open_folder(path);
        }
        let inner = path.join("model");
        if inner.join("config.json").exists() {
            return Self::open_folder(&inner);
        }
        Err(Error::input(
            path.display(),
            "neither config.json nor model/config.json",
            "give a Hugging Face folder, a .gguf file or a run folder whose model is trained",
        ))
    }

    /// As [`open`](Self::open), for a model that is to be trained, merged or followed as a teacher: an input error for an architecture
    /// that Bantam only runs.
    pub fn open_to_train(path: impl AsRef<Path>) -> Result<Self> {
        let artifact = Self::open(path)?;
        let architecture = artifact.config.architecture;
        if !architecture.is_trained() {
            let what = format!("Bantam runs {} models, it does not train them", architecture.name());
            return Err(Error::input(artifact.path.display(), what, "use a llama, qwen2 or gpt2 model"));
        }
        Ok(artifact)
    }

    fn open_folder(dir: &Path) -> Result<Self> {
        let (config, weights) = hf::open_folder(dir)?;
        let mut tokenizer = hf::read_tokenizer_files(dir)?;
        Ok(Self {
            path: dir.to_owned(),
            kind: ArtifactKind::HuggingFace,
            config,
            bytes_on_disk: weights.bytes_on_disk(),
            weights,
            chat_template: tokenizer.chat_template.take(),
            tokenizer: TokenizerSource::HuggingFace(tokenizer),
        })
    }

    fn open_gguf(path: &Path) -> Result<Self> {
        let model = gguf::open_model(path)?;
        Ok(Self {
            path: path.to_owned(),
            kind: ArtifactKind::Gguf,
            config: model.config,
            bytes_on_disk: model.weights.bytes_on_disk(),
            weights: model.weights,
            chat_template: model.chat_template,
            tokenizer: TokenizerSource::Gguf(model.vocabulary),
        })
    }

    /// The artifact really opened (for a run folder, its `model/`).
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its form.
    pub fn kind(&self) -> ArtifactKind {
        self.kind
    }

    /// The model's hyper-parameters.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Bytes of the weight files: the `.gguf`, or the safetensors together.
    pub fn bytes_on_disk(&self) -> u64 {
        self.bytes_on_disk
    }

    /// The model's chat template (Jinja), if it has one. Render it with [`crate::chat::render`].
    pub fn chat_template(&self) -> Option<&str> {
        self.chat_template.as_deref()
    }

    /// One tensor by Hugging Face name, rows in Hugging Face's order: rotary pairs are (i, i + head_dim / 2) in every form.
    /// `lm_head.weight` of a tied model is its embedding. An unknown name is an internal error.
    pub fn tensor(&self, name: &str) -> Result<TensorData<'_>> {
        self.weights.tensor(name)
    }

    /// The number format of a tensor, without reading it; `None` for a name the model does not have.
    pub fn dtype(&self, name: &str) -> Option<DType> {
        self.weights.dtype(name)
    }

    /// Whether there is a tokenizer to build; it may still be malformed.
    pub fn has_tokenizer(&self) -> bool {
        match &self.tokenizer {
            TokenizerSource::HuggingFace(files) => files.tokenizer_json.is_some(),
            TokenizerSource::Gguf(vocabulary) => vocabulary.len() > 0,
        }
    }

    /// Builds the tokenizer. An input error if the artifact has none (no `tokenizer.json`, or a GGUF's `no_vocab`), if it is malformed,
    /// or if it makes ids that the model has no embedding for.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        let tokenizer = match &self.tokenizer {
            TokenizerSource::HuggingFace(files) => {
                let path = self.path.join("tokenizer.json");
                let Some(json) = &files.tokenizer_json else {
                    return Err(Error::input(path.display(), "not found", "put the model's tokenizer.json there"));
                };
                let mut tokenizer = Tokenizer::from_json(json, &path.display().to_string())?;
                let bos = self.config.bos_token_id.filter(|_| files.bos_token.is_none());
                tokenizer.set_bos(files.bos_token.as_deref().and_then(|t| tokenizer.token_to_id(t)).or(bos));
                let eos = self.config.eos_token_ids.first().copied().filter(|_| files.eos_token.is_none());
                tokenizer.set_eos(files.eos_token.as_deref().and_then(|t| tokenizer.token_to_id(t)).or(eos));
                tokenizer.set_pad(files.pad_token.as_deref().and_then(|t| tokenizer.token_to_id(t)));
                tokenizer
            }
            TokenizerSource::Gguf(vocabulary) => vocabulary.tokenizer(&self.path.display().to_string())?,
        };
        if tokenizer.vocab_size() > self.config.vocab_size {
            return Err(Error::input(
                self.path.display(),
                format!("the tokenizer has {} ids, the model {}", tokenizer.vocab_size(), self.config.vocab_size),
                "tokenizer and weights do not belong together",
            ));
        }
        Ok(tokenizer)
    }

    /// Tokenizer and template as the writers want them, for repackaging.
    pub fn tokenizer_bundle(&self) -> Result<TokenizerBundle> {
        let tokenizer = self.tokenizer()?;
        let text = |id: Option<u32>| id.and_then(|id| tokenizer.id_to_token(id));
        Ok(TokenizerBundle {
            tokenizer_json: tokenizer.json().to_owned(),
            chat_template: self.chat_template.clone(),
            bos_token: text(tokenizer.bos()),
            eos_token: text(tokenizer.eos()),
            pad_token: text(tokenizer.pad()),
        })
    }
}
