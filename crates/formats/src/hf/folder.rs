//! A model as a Hugging Face folder: which files it is made of, read and written.

use std::collections::HashMap;
use std::path::Path;

use bantam_core::{Error, Result, files};
use serde_json::{Map, Value, json};

use super::config::ids_json;
use super::{names, safetensors};
use crate::config::ModelConfig;
use crate::tokenizer::TokenizerBundle;
use crate::weights::{MappedFile, RowOrder, Stored, Weights};

/// Config and weights of a folder.
pub(crate) fn open_folder(dir: &Path) -> Result<(ModelConfig, Weights)> {
    let config_path = dir.join("config.json");
    let place = config_path.display().to_string();
    let mut config = ModelConfig::from_hf_json(&files::read_text(&config_path)?, &place)?;
    read_generation_config(dir, &mut config)?;
    let mut mapped = Vec::new();
    let mut tensors = HashMap::new();
    for name in weight_files(dir)? {
        let path = dir.join(name);
        let file = MappedFile::open(&path)?;
        for found in safetensors::read_header(file.bytes(), &path)? {
            let name = names::own_name(&config, found.name);
            let mut shape = names::own_shape(&config, &name, found.shape);
            let mut rows = names::rows(&config, &name);
            match rows {
                RowOrder::Turned if shape.len() == 2 => shape.reverse(),
                // Of another shape than it should have, which is told where shapes are compared.
                RowOrder::Turned => rows = RowOrder::HuggingFace,
                _ => {}
            }
            let stored = Stored { file: mapped.len(), range: found.range, dtype: found.dtype, shape, rows };
            if tensors.insert(name.clone(), stored).is_some() {
                return Err(Error::input(
                    format!("{}: {name}", path.display()),
                    "the tensor stands in two shards",
                    "restore the folder from its origin",
                ));
            }
        }
        mapped.push(file);
    }
    let weights = Weights::new(mapped, tensors, &config, &dir.display().to_string())?;
    Ok((config, weights))
}

/// Generation ends at the ids of `generation_config.json` where it names more than `config.json`, as in transformers.
fn read_generation_config(dir: &Path, config: &mut ModelConfig) -> Result<()> {
    let path = dir.join("generation_config.json");
    if !path.exists() {
        return Ok(());
    }
    let keys = read_object(&path)?;
    let ids: Vec<u64> = match keys.get("eos_token_id") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_u64).collect(),
        Some(one) => one.as_u64().into_iter().collect(),
        None => Vec::new(),
    };
    for id in ids.into_iter().filter_map(|id| u32::try_from(id).ok()) {
        if !config.eos_token_ids.contains(&id) {
            config.eos_token_ids.push(id);
        }
    }
    Ok(())
}

/// The safetensors files: `model.safetensors`, or those that `model.safetensors.index.json` names, in name order.
pub fn weight_files(dir: &Path) -> Result<Vec<String>> {
    if dir.join("model.safetensors").exists() {
        return Ok(vec!["model.safetensors".into()]);
    }
    let path = dir.join("model.safetensors.index.json");
    if !path.exists() {
        return Err(Error::input(
            dir.display(),
            "neither model.safetensors nor model.safetensors.index.json",
            "save the weights as safetensors",
        ));
    }
    let index = read_object(&path)?;
    let wrong = |what: &str| Error::input(path.display(), what, "restore the file from its origin");
    let Some(Value::Object(map)) = index.get("weight_map") else { return Err(wrong("no `weight_map` object")) };
    let mut names = Vec::new();
    for (tensor, file) in map {
        // A plain name: an index must not reach outside its folder.
        match file.as_str() {
            Some(name) if Path::new(name).file_name().is_some_and(|f| f == name) => names.push(name.to_owned()),
            _ => return Err(wrong(&format!("`{tensor}` lies in {file}, which is not a plain file name"))),
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// A JSON file that must hold an object.
fn read_object(path: &Path) -> Result<Map<String, Value>> {
    serde_json::from_str(&files::read_text(path)?).map_err(|e| {
        Error::input(path.display(), format!("not a JSON object: {e}"), "restore the file from its origin")
    })
}

/// What a folder says of its tokenizer.
#[derive(Default)]
pub(crate) struct HfTokenizerFiles {
    pub tokenizer_json: Option<Vec<u8>>,
    pub chat_template: Option<String>,
    pub bos_token: Option<String>,
    pub eos_token: Option<String>,
    pub pad_token: Option<String>,
}

/// Reads `tokenizer.json`, `tokenizer_config.json` and `chat_template.jinja`, of which each may be absent.
pub(crate) fn read_tokenizer_files(dir: &Path) -> Result<HfTokenizerFiles> {
    let mut found = HfTokenizerFiles::default();
    let path = dir.join("tokenizer.json");
    if path.exists() {
        found.tokenizer_json = Some(files::read(&path)?);
    }
    let path = dir.join("tokenizer_config.json");
    if path.exists() {
        let keys = read_object(&path)?;
        // A token is its text, or an object with its text under "content".
        let token = |key: &str| {
            let value = keys.get(key)?;
            value.as_str().or_else(|| value.get("content")?.as_str()).map(str::to_owned)
        };
        (found.bos_token, found.eos_token, found.pad_token) =
            (token("bos_token"), token("eos_token"), token("pad_token"));
        found.chat_template = match keys.get("chat_template") {
            Some(Value::String(template)) => Some(template.clone()),
            // Several named templates: the default one.
            Some(Value::Array(named)) => named.iter().find_map(|t| {
                let default = t.get("name")?.as_str()? == "default";
                default.then(|| t.get("template")?.as_str().map(str::to_owned)).flatten()
            }),
            _ => None,
        };
    }
    // Newer transformers save the template as a file of its own, which then counts.
    let path = dir.join("chat_template.jinja");
    if path.exists() {
        found.chat_template = Some(files::read_text(&path)?);
    }
    Ok(found)
}

/// Writes a model as a folder that `AutoModelForCausalLM` and `AutoTokenizer` load: `config.json`, `generation_config.json`,
/// `model.safetensors` (f32), `tokenizer.json`, `tokenizer_config.json` (with the chat template). The folder appears whole or not at all.
///
/// `tensors` are (name, shape, elements), exactly those of [`ModelConfig::tensor_specs`], in any order.
pub fn write_folder(
    dir: &Path,
    config: &ModelConfig,
    tensors: &[(String, Vec<usize>, Vec<f32>)],
    tokenizer: Option<&TokenizerBundle>,
) -> Result<()> {
    config.validate("model")?;
    crate::tensor::check_to_write(config.tensor_specs(), tensors)?;
    let config_json = config.to_hf_json()?;
    files::write_dir(dir, |dir| {
        files::write(&dir.join("config.json"), config_json.as_bytes())?;
        let generation = json!({
            "_from_model_config": true,
            "bos_token_id": config.bos_token_id,
            "eos_token_id": ids_json(&config.eos_token_ids),
            "pad_token_id": config.pad_token_id,
        });
        files::write(&dir.join("generation_config.json"), format!("{generation:#}\n").as_bytes())?;
        let written: Vec<_> = tensors.iter().map(|tensor| names::to_write(config, tensor)).collect();
        safetensors::write(&dir.join("model.safetensors"), &written)?;
        if let Some(bundle) = tokenizer {
            write_tokenizer_files(dir, bundle, config.max_position_embeddings)?;
        }
        Ok(())
    })
}

/// Writes `tokenizer.json` and `tokenizer_config.json` into an existing folder.
pub fn write_tokenizer_files(dir: &Path, bundle: &TokenizerBundle, max_length: usize) -> Result<()> {
    files::write(&dir.join("tokenizer.json"), bundle.tokenizer_json.as_bytes())?;
    let mut keys = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": max_length,
        "clean_up_tokenization_spaces": false,
    });
    let texts = [
        ("bos_token", &bundle.bos_token),
        ("eos_token", &bundle.eos_token),
        ("pad_token", &bundle.pad_token),
        ("chat_template", &bundle.chat_template),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            keys[key] = json!(text);
        }
    }
    files::write(&dir.join("tokenizer_config.json"), format!("{keys:#}\n").as_bytes())
}
