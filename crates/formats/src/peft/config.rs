//! What does an `adapter_config.json` say, and is it something we compute?

use bantam_core::{Error, Result};
use serde_json::{Map, Value, json};

/// Which linear maps carry an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetModules {
    /// Every linear map of the blocks.
    AllLinear,
    /// Those whose name is one of these or ends with `.` and one of these.
    Named(Vec<String>),
}

impl TargetModules {
    /// Whether a map, by its whole name, is meant.
    pub fn matches(&self, module: &str) -> bool {
        match self {
            Self::AllLinear => true,
            Self::Named(names) => names
                .iter()
                .any(|n| module.strip_suffix(n.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))),
        }
    }
}

/// A LoRA adapter's hyper-parameters, by PEFT's names where they are Bantam's too.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterConfig {
    /// `r`: columns of `B` and rows of `A`.
    pub rank: usize,
    /// `lora_alpha`.
    pub alpha: f64,
    /// `target_modules`.
    pub target_modules: TargetModules,
    /// `use_rslora`: the scale is `alpha / sqrt(rank)` (Kalajdzievski 2023) instead of `alpha / rank`.
    pub rank_stabilized: bool,
    /// `lora_dropout`: of training only. Bantam trains without.
    pub dropout: f64,
    /// `base_model_name_or_path`.
    pub base_model: Option<String>,
}

/// Largest rank: that of a full matrix of any model Bantam is for.
const MAX_RANK: usize = 1 << 16;

/// Keys that say nothing of the computation, or are read above.
const HARMLESS: [&str; 17] = [
    "auto_mapping",
    "base_model_name_or_path",
    "bias",
    "inference_mode",
    "init_lora_weights",
    "lora_alpha",
    "lora_dropout",
    "megatron_core",
    "peft_type",
    "peft_version",
    "qalora_group_size",
    "r",
    "revision",
    "target_modules",
    "task_type",
    "use_rslora",
    "runtime_config",
];

impl AdapterConfig {
    /// What the product of the pair is multiplied by.
    pub fn scale(&self) -> f32 {
        let rank = self.rank as f64;
        (self.alpha / if self.rank_stabilized { rank.sqrt() } else { rank }) as f32
    }

    /// Reads the text of an `adapter_config.json`; `place` names it in errors.
    ///
    /// What would change the computation (DoRA, trained heads, ranks by pattern, biases, ...) is refused, not ignored:
    /// so is every key that is not known here and says something other than null, false or nothing.
    pub fn from_json(text: &str, place: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text)
            .map_err(|e| Error::input(place, format!("not JSON: {e}"), "restore the adapter from its origin"))?;
        let Value::Object(keys) = value else {
            return Err(Error::input(place, "not a JSON object", "restore the adapter from its origin"));
        };
        let read = Reader { keys: &keys, place };
        match read.text("peft_type")?.as_deref() {
            Some("LORA") => {}
            other => {
                let what = format!("`{}` is not supported", other.unwrap_or("nothing"));
                return Err(read.error("peft_type", what, "only LORA adapters are"));
            }
        }
        match read.get("init_lora_weights") {
            None | Some(Value::Bool(_)) => {}
            Some(Value::String(s)) if ["gaussian", "eva", "orthogonal"].contains(&s.as_str()) => {}
            Some(other) => {
                let what = format!("{other} changes the base weights, which the adapter alone cannot tell");
                return Err(read.error("init_lora_weights", what, "convert the adapter to plain LoRA with PEFT"));
            }
        }
        if read.text("bias")?.is_some_and(|b| b != "none") {
            return Err(read.error("bias", "trained biases are not supported".into(), "use an adapter with \"none\""));
        }
        for (key, value) in &keys {
            if !HARMLESS.contains(&key.as_str()) && !says_nothing(value) {
                return Err(read.error(
                    key,
                    "this variant of LoRA is not supported".into(),
                    "use a plain LoRA adapter",
                ));
            }
        }
        let whole = |v: &Value| v.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=MAX_RANK).contains(n));
        let rank = read.get("r").and_then(whole).ok_or_else(|| {
            read.error(
                "r",
                format!("is not a whole number from 1 to {MAX_RANK}"),
                "restore the adapter from its origin",
            )
        })?;
        let alpha = read
            .number("lora_alpha")?
            .ok_or_else(|| read.error("lora_alpha", "missing".into(), "restore the adapter from its origin"))?;
        let dropout = read.number("lora_dropout")?.unwrap_or(0.0);
        if !(0.0..1.0).contains(&dropout) {
            return Err(read.error(
                "lora_dropout",
                format!("{dropout} is not in 0..1"),
                "give 0 or more and less than 1",
            ));
        }
        let rank_stabilized = match read.get("use_rslora") {
            None => false,
            Some(Value::Bool(b)) => *b,
            Some(other) => return Err(read.error("use_rslora", format!("{other} is not true or false"), "correct it")),
        };
        let config = Self {
            rank,
            alpha,
            target_modules: read.targets()?,
            rank_stabilized,
            dropout,
            base_model: read.text("base_model_name_or_path")?,
        };
        if config.scale().is_finite() {
            Ok(config)
        } else {
            Err(read.error("lora_alpha", format!("{alpha} is too large"), "restore the adapter from its origin"))
        }
    }

    /// The text of `adapter_config.json`: what PEFT's LoRA needs, nothing left to its defaults that changes results.
    pub fn to_json(&self) -> String {
        let targets = match &self.target_modules {
            TargetModules::AllLinear => json!("all-linear"),
            TargetModules::Named(names) => json!(names),
        };
        let out = json!({
            "base_model_name_or_path": self.base_model,
            "bias": "none",
            "fan_in_fan_out": false,
            "inference_mode": true,
            "init_lora_weights": true,
            "lora_alpha": self.alpha,
            "lora_dropout": self.dropout,
            "modules_to_save": null,
            "peft_type": "LORA",
            "r": self.rank,
            "target_modules": targets,
            "task_type": "CAUSAL_LM",
            "use_dora": false,
            "use_rslora": self.rank_stabilized,
        });
        format!("{out:#}\n")
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(keys) => keys.is_empty(),
        _ => false,
    }
}

/// Typed look-ups that name file and key. A null counts as absent.
struct Reader<'a> {
    keys: &'a Map<String, Value>,
    place: &'a str,
}

impl Reader<'_> {
    fn error(&self, key: &str, what: String, remedy: &str) -> Error {
        Error::input(format!("{}: {key}", self.place), what, remedy)
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.keys.get(key).filter(|v| !v.is_null())
    }

    fn text(&self, key: &str) -> Result<Option<String>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(s)) => Ok(Some(s.clone())),
            Some(_) => Err(self.error(key, "is not a string".into(), "restore the adapter from its origin")),
        }
    }

    fn number(&self, key: &str) -> Result<Option<f64>> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match value.as_f64().filter(|v| v.is_finite()) {
                Some(v) => Ok(Some(v)),
                None => Err(self.error(key, "is not a number".into(), "restore the adapter from its origin")),
            },
        }
    }

    fn targets(&self) -> Result<TargetModules> {
        let remedy = "give \"all-linear\" or a list of module names";
        match self.get("target_modules") {
            Some(Value::String(s)) if s == "all-linear" => Ok(TargetModules::AllLinear),
            Some(Value::String(_)) => Err(self.error("target_modules", "a pattern is not supported".into(), remedy)),
            Some(Value::Array(list)) if !list.is_empty() => {
                let names: Option<Vec<String>> = list.iter().map(|v| v.as_str().map(str::to_owned)).collect();
                let mut names =
                    names.ok_or_else(|| self.error("target_modules", "not all are names".into(), remedy))?;
                names.sort();
                Ok(TargetModules::Named(names))
            }
            _ => Err(self.error("target_modules", "names no module".into(), remedy)),
        }
    }
}
