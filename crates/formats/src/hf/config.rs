//! `config.json` of Llama, Qwen2 and Qwen3 models, in the spellings of transformers v4 and v5; GPT-2's and RWKV-4's have files of their own.

use bantam_core::{Error, Result};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::hybrid::{self, Family};
use super::{gpt2_config, rwkv_config};
use crate::config::{Architecture, ModelConfig, OWN, USE_A_KNOWN_ONE};
use crate::mixer::{self, MixerConfig};
use crate::rope::RopeScaling;

impl ModelConfig {
    /// Reads the text of a `config.json`; `place` names the file in errors.
    ///
    /// v5's `rope_parameters` and v4's `rope_theta` with `rope_scaling` are both understood. What would change the computation in a way
    /// Bantam does not follow (another activation, sliding windows, quantized weights, ...) is refused rather than ignored.
    pub fn from_hf_json(text: &str, place: &str) -> Result<Self> {
        // Python writes an infinite number by its name, which no JSON has.
        let parsed = serde_json::from_str(text).or_else(|e| {
            let named = text.replace(" Infinity", r#" {"__float__": "Infinity"}"#);
            serde_json::from_str(&named).map_err(|_| e)
        });
        let value: Value =
            parsed.map_err(|e| Error::input(place, format!("not JSON: {e}"), "restore the file from its origin"))?;
        let Value::Object(keys) = value else {
            return Err(Error::input(place, "not a JSON object", "restore the file from its origin"));
        };
        let read = Reader { keys: &keys, place };

        let name = read.text("model_type")?.unwrap_or_default();
        if let Some(family) = Family::from_name(&name) {
            let config = hybrid::read(family, &read)?;
            config.validate(place)?;
            return Ok(config);
        }
        if name == rwkv_config::NAME {
            let config = rwkv_config::read(&read)?;
            config.validate(place)?;
            return Ok(config);
        }
        let own = if name == OWN { read.text("architecture")?.unwrap_or_else(|| "llama".into()) } else { name.clone() };
        let known = Architecture::from_name(&own);
        let Some(architecture) = known.filter(|known| name == OWN || !known.mixes_channels()) else {
            return Err(read.error("model_type", format!("`{own}` is not supported"), USE_A_KNOWN_ONE));
        };
        if architecture == Architecture::Gpt2 {
            let config = gpt2_config::read(&read)?;
            config.validate(place)?;
            return Ok(config);
        }
        read.refuse_what_we_do_not_compute()?;
        let (rope_theta, rope_scaling) = read.rope()?;
        let hidden_size = read.required("hidden_size")?;
        let num_attention_heads = read.required("num_attention_heads")?;
        let head_dim = match read.size("head_dim")? {
            Some(n) => n,
            // transformers' default of the class.
            None if architecture == Architecture::Qwen3 => 128,
            None if num_attention_heads > 0 && hidden_size.is_multiple_of(num_attention_heads) => {
                hidden_size / num_attention_heads
            }
            None => {
                return Err(read.error(
                    "num_attention_heads",
                    format!("{num_attention_heads} does not divide hidden_size {hidden_size}"),
                    "correct the sizes or give head_dim",
                ));
            }
        };
        let (num_key_value_heads, default_length, attention_bias) = match architecture {
            Architecture::Llama | Architecture::Rwkv4 | Architecture::Rwkv7 => (
                read.size("num_key_value_heads")?.unwrap_or(num_attention_heads),
                2048,
                read.flag("attention_bias")?.unwrap_or(false),
            ),
            Architecture::Qwen3 => {
                (read.required("num_key_value_heads")?, 32768, read.flag("attention_bias")?.unwrap_or(false))
            }
            Architecture::Qwen2 | Architecture::Gpt2 => (read.required("num_key_value_heads")?, 32768, true),
        };
        let config = Self {
            architecture,
            vocab_size: read.required("vocab_size")?,
            hidden_size,
            intermediate_size: read.required("intermediate_size")?,
            num_hidden_layers: read.required("num_hidden_layers")?,
            num_attention_heads,
            num_key_value_heads,
            head_dim,
            rms_norm_eps: read.number("rms_norm_eps")?.unwrap_or(1e-6),
            rope_theta,
            rope_scaling,
            tie_word_embeddings: read.flag("tie_word_embeddings")?.unwrap_or(false),
            max_position_embeddings: read.size("max_position_embeddings")?.unwrap_or(default_length),
            attention_bias,
            bos_token_id: read.ids("bos_token_id")?.first().copied(),
            eos_token_ids: read.ids("eos_token_id")?,
            pad_token_id: read.ids("pad_token_id")?.first().copied(),
            mixers: if name == OWN { read.mixers()? } else { Vec::new() },
        };
        config.validate(place)?;
        Ok(config)
    }

    /// The `config.json` of this model, in the v4 spelling that every release of transformers reads.
    /// `rope_scaling` by divisors has no name there and is an error: write a GGUF instead.
    pub fn to_hf_json(&self) -> Result<String> {
        if self.architecture == Architecture::Gpt2 {
            return Ok(format!("{:#}\n", gpt2_config::to_json(self)));
        }
        if let Some(json) = rwkv_config::to_json(self) {
            return Ok(format!("{json:#}\n"));
        }
        if let Some(family) = Family::of(self) {
            return Ok(format!("{:#}\n", hybrid::to_json(family, self)));
        }
        let rope_scaling = match &self.rope_scaling {
            None => Value::Null,
            Some(RopeScaling::Linear { factor }) => json!({"rope_type": "linear", "factor": factor}),
            Some(RopeScaling::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_max_position_embeddings,
            }) => json!({
                "rope_type": "llama3",
                "factor": factor,
                "low_freq_factor": low_freq_factor,
                "high_freq_factor": high_freq_factor,
                "original_max_position_embeddings": original_max_position_embeddings,
            }),
            Some(RopeScaling::Partial { factor }) => json!({"rope_type": "partial", "factor": factor}),
            Some(RopeScaling::Divisors(_)) => {
                return Err(Error::input(
                    "config.json: rope_scaling",
                    "frequency divisors from a GGUF have no name in config.json",
                    "start from the Hugging Face folder instead",
                ));
            }
        };
        let class = match self.architecture {
            _ if !self.is_all_attention() => "BantamForCausalLM",
            Architecture::Qwen2 => "Qwen2ForCausalLM",
            Architecture::Qwen3 => "Qwen3ForCausalLM",
            _ => "LlamaForCausalLM",
        };
        let mut out = json!({
            "architectures": [class],
            "attention_dropout": 0.0,
            "bos_token_id": self.bos_token_id,
            "eos_token_id": ids_json(&self.eos_token_ids),
            "hidden_act": "silu",
            "hidden_size": self.hidden_size,
            "initializer_range": 0.02,
            "intermediate_size": self.intermediate_size,
            "max_position_embeddings": self.max_position_embeddings,
            "model_type": self.type_name(),
            "num_attention_heads": self.num_attention_heads,
            "num_hidden_layers": self.num_hidden_layers,
            "num_key_value_heads": self.num_key_value_heads,
            "head_dim": self.head_dim,
            "pad_token_id": self.pad_token_id,
            "rms_norm_eps": self.rms_norm_eps,
            "rope_scaling": rope_scaling,
            "rope_theta": self.rope_theta,
            "tie_word_embeddings": self.tie_word_embeddings,
            "torch_dtype": "float32",
            "use_cache": true,
            "vocab_size": self.vocab_size,
        });
        if !self.is_all_attention() {
            out["mixers"] = self.mixers_json()?;
        }
        match self.architecture {
            Architecture::Qwen2 => out["use_sliding_window"] = json!(false),
            Architecture::Qwen3 => {
                out["attention_bias"] = json!(false);
                out["use_sliding_window"] = json!(false);
            }
            _ => {
                out["attention_bias"] = json!(self.attention_bias);
                out["mlp_bias"] = json!(false);
            }
        }
        if self.architecture.mixes_channels() {
            out["architecture"] = json!(self.architecture.name());
        }
        Ok(format!("{out:#}\n"))
    }
}

/// One id as a number, several as a list, none as null.
pub(super) fn ids_json(ids: &[u32]) -> Value {
    match ids {
        [] => Value::Null,
        [id] => json!(id),
        many => json!(many),
    }
}

/// Typed look-ups that name file and key when a value is of the wrong kind. A null counts as absent.
pub(super) struct Reader<'a> {
    keys: &'a Map<String, Value>,
    place: &'a str,
}

impl<'a> Reader<'a> {
    /// The same look-ups in an object within.
    pub(super) fn of<'b>(&self, keys: &'b Map<String, Value>) -> Reader<'b>
    where
        'a: 'b,
    {
        Reader { keys, place: self.place }
    }

    pub(super) fn error(&self, key: &str, what: String, remedy: &str) -> Error {
        Error::input(format!("{}: {key}", self.place), what, remedy)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.keys.get(key).filter(|v| !v.is_null())
    }

    fn read<T>(&self, key: &str, kind: &str, read: impl FnOnce(&Value) -> Option<T>) -> Result<Option<T>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        read(value)
            .map(Some)
            .ok_or_else(|| self.error(key, format!("`{}` is not {kind}", shortened(value)), &format!("give {kind}")))
    }

    pub(super) fn size(&self, key: &str) -> Result<Option<usize>> {
        self.read(key, "a whole number", |v| v.as_u64().and_then(|n| usize::try_from(n).ok()))
    }

    pub(super) fn required(&self, key: &str) -> Result<usize> {
        self.size(key)?.ok_or_else(|| self.error(key, "missing".into(), "add it, or restore the file from its origin"))
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<f64>> {
        self.read(key, "a number", Value::as_f64)
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>> {
        self.read(key, "true or false", Value::as_bool)
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>> {
        self.read(key, "a string", |v| v.as_str().map(str::to_owned))
    }

    /// A token id, or a list of them. Some old configs write -1 for "none".
    pub(super) fn ids(&self, key: &str) -> Result<Vec<u32>> {
        let id = |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok());
        let ids = self.read(key, "a token id or a list of them", |v| match v {
            Value::Array(list) => list.iter().map(id).collect(),
            Value::Number(n) if n.as_i64() == Some(-1) => Some(Vec::new()),
            one => id(one).map(|id| vec![id]),
        });
        Ok(ids?.unwrap_or_default())
    }

    /// The pattern of mixers of a model of Bantam's own.
    fn mixers(&self) -> Result<Vec<MixerConfig>> {
        let Some(value) = self.get("mixers") else {
            return Err(self.error("mixers", "missing".into(), "restore the file from its origin"));
        };
        mixer::pattern(Vec::deserialize(value), &format!("{}: mixers", self.place))
    }

    fn refuse_what_we_do_not_compute(&self) -> Result<()> {
        let not_run =
            |key: &str, what: String| Err(self.error(key, what, "Bantam does not run this variant; use another model"));
        if let Some(act) = self.text("hidden_act")?
            && act != "silu"
        {
            return not_run("hidden_act", format!("`{act}` instead of silu"));
        }
        for key in ["mlp_bias", "use_sliding_window", "rope_interleaved"] {
            if self.flag(key)? == Some(true) {
                return not_run(key, "set".into());
            }
        }
        if let Some(factor) = self.number("partial_rotary_factor")?
            && factor != 1.0
        {
            return not_run("partial_rotary_factor", format!("{factor}"));
        }
        if self.get("quantization_config").is_some() {
            return not_run("quantization_config", "quantized weights".into());
        }
        if let Some(Value::Array(types)) = self.get("layer_types")
            && let Some(other) = types.iter().find(|t| t.as_str() != Some("full_attention"))
        {
            return not_run("layer_types", format!("`{}`", shortened(other)));
        }
        Ok(())
    }

    /// v5: everything in `rope_parameters`. v4: `rope_theta` beside `rope_scaling`, whose kind is `rope_type` or, older, `type`.
    fn rope(&self) -> Result<(f64, Option<RopeScaling>)> {
        let theta_beside = self.number("rope_theta")?;
        let (key, parameters) = match (self.get("rope_parameters"), self.get("rope_scaling")) {
            (Some(v), _) => ("rope_parameters", v),
            (None, Some(v)) => ("rope_scaling", v),
            (None, None) => return Ok((theta_beside.unwrap_or(10_000.0), None)),
        };
        let Value::Object(keys) = parameters else {
            return Err(self.error(key, format!("`{}` is not an object", shortened(parameters)), "give an object"));
        };
        let place = format!("{}: {key}", self.place);
        let read = Reader { keys, place: &place };
        if let Some(factor) = read.number("partial_rotary_factor")?
            && factor != 1.0
        {
            return Err(read.error("partial_rotary_factor", format!("{factor}"), "Bantam does not run this variant"));
        }
        let theta = read.number("rope_theta")?.or(theta_beside).unwrap_or(10_000.0);
        let kind = match read.text("rope_type")? {
            Some(kind) => kind,
            None => read.text("type")?.unwrap_or_else(|| "default".into()),
        };
        let needed = |name: &str| -> Result<f64> {
            read.number(name)?.ok_or_else(|| read.error(name, "missing".into(), "add it"))
        };
        let scaling = match kind.as_str() {
            "default" => None,
            "linear" => Some(RopeScaling::Linear { factor: needed("factor")? }),
            // Of Bantam's own models alone.
            "partial" => Some(RopeScaling::Partial { factor: needed("factor")? }),
            "llama3" => Some(RopeScaling::Llama3 {
                factor: needed("factor")?,
                low_freq_factor: needed("low_freq_factor")?,
                high_freq_factor: needed("high_freq_factor")?,
                original_max_position_embeddings: read.required("original_max_position_embeddings")?,
            }),
            other => {
                let what = format!("`{other}` is not supported");
                return Err(read.error("rope_type", what, "use a model with default, linear or llama3 scaling"));
            }
        };
        Ok((theta, scaling))
    }
}

/// A value for an error message: never longer than a line.
fn shortened(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 40 { text } else { text.chars().take(40).chain("...".chars()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn llama() -> Value {
        json!({"model_type": "llama", "vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "eos_token_id": [2, 3], "bos_token_id": 1})
    }

    fn parse(value: &Value) -> Result<ModelConfig> {
        ModelConfig::from_hf_json(&value.to_string(), "config.json")
    }

    fn with(key: &str, value: Value) -> Value {
        let mut config = llama();
        config[key] = value;
        config
    }

    #[test]
    fn defaults_are_those_of_transformers() {
        let c = parse(&llama()).unwrap();
        assert_eq!((c.head_dim, c.rope_theta, c.max_position_embeddings), (8, 10_000.0, 2048));
        assert!(!c.tie_word_embeddings && !c.attention_bias);
        assert_eq!((c.bos_token_id, c.eos_token_ids.as_slice(), c.pad_token_id), (Some(1), &[2, 3][..], None));
    }

    #[test]
    fn both_spellings_of_rope_mean_the_same() {
        let llama3 = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64});
        let mut v4 = with("rope_scaling", llama3.clone());
        v4["rope_theta"] = json!(500_000.0);
        let mut v5 = with("rope_parameters", llama3);
        v5["rope_parameters"]["rope_theta"] = json!(500_000.0);
        assert_eq!(parse(&v4).unwrap(), parse(&v5).unwrap());
        let old = parse(&with("rope_scaling", json!({"type": "linear", "factor": 2.0}))).unwrap();
        assert_eq!(old.rope_scaling, Some(RopeScaling::Linear { factor: 2.0 }));
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut config = parse(&llama()).unwrap();
        config.rope_scaling = Some(RopeScaling::Linear { factor: 4.0 });
        config.pad_token_id = Some(9);
        config.attention_bias = true;
        assert_eq!(ModelConfig::from_hf_json(&config.to_hf_json().unwrap(), "x").unwrap(), config);
    }

    #[test]
    fn tensor_specs_follow_biases_and_tying() {
        let mut config = parse(&llama()).unwrap();
        assert_eq!(config.tensor_specs().len(), 3 + 2 * 9);
        config.attention_bias = true;
        config.tie_word_embeddings = true;
        assert_eq!(config.tensor_specs().len(), 2 + 2 * 13);
        config.architecture = Architecture::Qwen2;
        assert_eq!(config.tensor_specs().len(), 2 + 2 * 12);
        config.attention_bias = false;
        config.architecture = Architecture::Llama;
        // 64*32 embedding; q, o 32*32; k, v 16*32; three 48*32; two norms a layer; the last norm.
        assert_eq!(config.parameter_count(), 2048 + 2 * (2 * 1024 + 2 * 512 + 3 * 1536 + 64) + 32);
    }

    #[test]
    fn impossible_configs_are_one_line_with_the_key() {
        let cases = [
            (with("hidden_size", json!("32")), "hidden_size"),
            (with("hidden_size", json!(-32)), "hidden_size"),
            (with("hidden_size", json!(1e300)), "hidden_size"),
            (with("hidden_size", json!(0)), "hidden_size"),
            (with("hidden_size", json!(u64::MAX)), "num_attention_heads"),
            (with("hidden_size", json!(1u64 << 60)), "hidden_size"),
            (with("vocab_size", json!(0)), "vocab_size"),
            (with("vocab_size", Value::Null), "vocab_size"),
            (with("num_hidden_layers", json!(1_000_000_000)), "num_hidden_layers"),
            (with("num_attention_heads", json!(5)), "num_attention_heads"),
            (with("num_attention_heads", json!(0)), "num_attention_heads"),
            (with("num_key_value_heads", json!(3)), "num_key_value_heads"),
            (with("num_key_value_heads", json!(0)), "num_key_value_heads"),
            (with("head_dim", json!(7)), "head_dim"),
            (with("head_dim", json!(1u64 << 63)), "head_dim"),
            (with("rms_norm_eps", json!(-1.0)), "rms_norm_eps"),
            (with("rope_theta", json!(0)), "rope_theta"),
            (with("hidden_act", json!("gelu")), "hidden_act"),
            (with("eos_token_id", json!("</s>")), "eos_token_id"),
            (with("eos_token_id", json!([1, -1])), "eos_token_id"),
            (with("model_type", json!("mamba")), "model_type"),
            (with("rope_scaling", json!([])), "rope_scaling"),
            (with("rope_scaling", json!({"rope_type": "yarn"})), "rope_type"),
            (with("rope_scaling", json!({"rope_type": "linear"})), "factor"),
            (with("rope_scaling", json!({"rope_type": "linear", "factor": 0})), "rope_scaling"),
            (with("quantization_config", json!({})), "quantization_config"),
            (json!([]), "config.json"),
        ];
        for (config, key) in cases {
            let error = parse(&config).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(key) && !error.to_string().contains('\n'), "{key}: {error}");
        }
        assert!(ModelConfig::from_hf_json("{", "config.json").is_err());
    }
}
