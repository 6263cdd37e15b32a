//! A model's parameters by name: start, load, read, update.
//!
//! Burn identifies parameters by random ids; everything outside this file identifies them by their Hugging Face names
//! (`bantam_formats` owns those), so that checkpoints and optimizer states survive the process.

use std::collections::{HashMap, HashSet};

use bantam_core::{Error, Result, seed};
use bantam_formats::{
    EMBEDDING, EMBEDDING_NORM, FINAL_NORM, ModelArtifact, ModelConfig, OUTPUT, POSITIONS, TensorSpec, VectorConfig,
};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor};

use crate::adapters;
use crate::backbone::Backbone;
use crate::feed_forward::FeedForward;
use crate::growth;
use crate::mixers::{Initialization, Mixer, ParameterGroup, ZOO, tensor_name};
use crate::ops;
use crate::token_model::TokenModel;
use crate::vector_model::VectorModel;

/// A parameter's Hugging Face name, shape and values.
pub type NamedTensor = (String, Vec<usize>, Vec<f32>);

/// Follows a traversal and knows the current parameter's path.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn enter(&mut self, name: &str, container: &str) {
        // An enum's variant says which mixer or feed-forward it is; attention's parameters have names of their own.
        self.0.push(match (container, name) {
            ("Enum:AnyMixer", "Attention" | "JoinedAttention") | ("Enum:FeedForward" | "Enum:Shares", _) => {
                String::new()
            }
            ("Enum:AnyMixer", _) => ZOO.trim_end_matches('.').to_owned(),
            (_, name) => name.to_owned(),
        });
    }

    fn exit(&mut self) {
        self.0.pop();
    }

    fn text(&self) -> String {
        self.0.iter().filter(|p| !p.is_empty()).cloned().collect::<Vec<_>>().join(".")
    }
}

/// The Hugging Face name of the parameter at a module path, for instance `backbone.blocks.0.mixer.q_proj.weight`; of one of a mixer by
/// itself, its name in `docs/mixers.md`.
pub(crate) fn hugging_face_name(path: &str) -> String {
    if let Some(path) = path.strip_prefix(ZOO) {
        return tensor_name(path);
    }
    // The adapter of a linear map, by PEFT's names.
    for (end, name) in [(".adapter.a", ".lora_A.weight"), (".adapter.b", ".lora_B.weight")] {
        if let Some(linear) = path.strip_suffix(end) {
            return hugging_face_name(linear) + name;
        }
    }
    if let Some(rest) = path.strip_prefix("backbone.blocks.") {
        let (layer, part) = rest.split_once('.').unwrap_or((rest, ""));
        let part = match part.split_once('.') {
            Some(("mixer_norm", p)) => format!("input_layernorm.{p}"),
            Some(("mixer", p)) => match p.strip_prefix(ZOO) {
                Some(p) => format!("mixer.{}", tensor_name(p)),
                None => format!("self_attn.{p}"),
            },
            Some(("feed_forward_norm", p)) => format!("post_attention_layernorm.{p}"),
            Some(("feed_forward", p)) => format!("mlp.{}", p.trim_start_matches("shares.")),
            _ => part.to_string(),
        };
        return format!("model.layers.{layer}.{part}");
    }
    for (port, name) in [("in_port.embedding_norm.", EMBEDDING_NORM), ("out_port.norm.", FINAL_NORM)] {
        if let Some(part) = path.strip_prefix(port) {
            return format!("{name}.{part}");
        }
    }
    match path {
        "in_port.embedding" => EMBEDDING,
        "in_port.positions" => POSITIONS,
        "out_port.head" => OUTPUT,
        other => other,
    }
    .to_string()
}

/// Every parameter, in the order of the forward pass.
pub fn read<M: Module>(model: &M) -> Vec<NamedTensor> {
    read_some(model, |_| true)
}

/// [`read`] for the parameters that `wanted` names.
pub fn read_some<M: Module>(model: &M, wanted: impl Fn(&str) -> bool) -> Vec<NamedTensor> {
    struct Reader<F>(Path, F, Vec<NamedTensor>);
    impl<F: Fn(&str) -> bool> ModuleVisitor for Reader<F> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.0.enter(name, container);
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.exit();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let name = hugging_face_name(&self.0.text());
            if is_there(param) && (self.1)(&name) {
                let value = param.val().inner();
                let shape = value.dims().to_vec();
                self.2.push((name, shape, value.into_data().try_into_vec().expect("parameters are f32")));
            }
        }
    }
    let mut reader = Reader(Path::default(), wanted, Vec::new());
    model.visit(&mut reader);
    reader.2
}

/// The names of [`read`], without the values.
pub fn names<M: Module>(model: &M) -> Vec<String> {
    struct Namer(Path, Vec<String>);
    impl ModuleVisitor for Namer {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.0.enter(name, container);
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.exit();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if is_there(param) {
                self.1.push(hugging_face_name(&self.0.text()));
            }
        }
    }
    let mut namer = Namer(Path::default(), Vec::new());
    model.visit(&mut namer);
    namer.1
}

/// A matrix that is frozen in 4 bits leaves an empty parameter behind, which is none of the model's.
fn is_there<const D: usize>(param: &Param<Tensor<D>>) -> bool {
    param.lazy_shape().num_elements() > 0
}

/// The gradient of every parameter that has one, by name; takes them out of `gradients`.
pub fn take_gradients<M: Module>(model: &M, gradients: &mut Gradients) -> HashMap<String, Vec<f32>> {
    struct Taker<'a>(Path, &'a mut Gradients, HashMap<String, Vec<f32>>);
    impl ModuleVisitor for Taker<'_> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.0.enter(name, container);
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.exit();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = param.val().grad_remove(self.1) {
                let values = gradient.into_data().try_into_vec().expect("gradients are f32");
                self.2.insert(hugging_face_name(&self.0.text()), values);
            }
        }
    }
    let mut taker = Taker(Path::default(), gradients, HashMap::new());
    model.visit(&mut taker);
    taker.2
}

/// Passes every parameter's values through `change`, in the order of the forward pass.
pub fn update<M: Module>(model: M, change: impl FnMut(&str, &[usize], &mut [f32])) -> M {
    update_some(model, |_| true, change)
}

/// [`update`] for the parameters that `wanted` names; the others are not even read.
pub fn update_some<M: Module>(
    model: M,
    wanted: impl Fn(&str) -> bool,
    change: impl FnMut(&str, &[usize], &mut [f32]),
) -> M {
    struct Changer<W, F>(Path, W, F);
    impl<W: Fn(&str) -> bool, F: FnMut(&str, &[usize], &mut [f32])> ModuleMapper for Changer<W, F> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.0.enter(name, container);
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.exit();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let name = hugging_face_name(&self.0.text());
            if !is_there(&param) || !(self.1)(&name) {
                return param;
            }
            param.map(|value| {
                let (shape, tracked) = (value.dims(), value.is_require_grad());
                let strategy = value.gradient_checkpointing_strategy();
                let value = ops::change_values(value.inner(), |values| (self.2)(&name, &shape, values));
                let value = if strategy.is_some() { Tensor::from_inner(value) } else { value };
                if tracked { value.require_grad() } else { value }
            })
        }
    }
    model.map(&mut Changer(Path::default(), wanted, change))
}

/// Puts `tensors` in the model. All of the model's parameters must be there, of the right shapes.
pub fn load<M: Module>(model: M, tensors: Vec<NamedTensor>, place: &str) -> Result<M> {
    load_some(model, tensors, place, |_| true)
}

/// [`load`] for some of the parameters: those that `wanted` names must be there; the others stay as they are.
pub fn load_some<M: Module>(
    model: M,
    tensors: Vec<NamedTensor>,
    place: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<M> {
    let mut by_name: HashMap<String, (Vec<usize>, Vec<f32>)> =
        tensors.into_iter().map(|(name, shape, values)| (name, (shape, values))).collect();
    let mut wrong = None;
    let given: HashSet<String> = by_name.keys().cloned().collect();
    let concerned = |name: &str| given.contains(name) || wanted(name);
    let model = update_some(model, concerned, |name, shape, values| match by_name.remove(name) {
        Some((s, v)) if s == shape && v.len() == values.len() => values.copy_from_slice(&v),
        Some((s, _)) => {
            wrong.get_or_insert(format!("tensor {name} has shape {s:?}, the model {shape:?}"));
        }
        None => {
            wrong.get_or_insert(format!("tensor {name} is missing"));
        }
    });
    match wrong {
        Some(what) => Err(Error::input(place, what, "use weights made for this configuration")),
        None => Ok(model),
    }
}

/// Lets gradients reach only the parameters that `trainable` names. The others are not tracked: nothing of the backward
/// pass is kept for them.
pub fn freeze<M: Module>(model: M, trainable: impl Fn(&str) -> bool) -> M {
    struct Freezer<F>(Path, F);
    impl<F: Fn(&str) -> bool> ModuleMapper for Freezer<F> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.0.enter(name, container);
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.exit();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let tracked = (self.1)(&hugging_face_name(&self.0.text()));
            param.set_require_grad(tracked)
        }
    }
    model.map(&mut Freezer(Path::default(), trainable))
}

/// Reads an artifact's weights into a new model on `device`.
pub fn load_artifact(artifact: &ModelArtifact, device: &burn::tensor::Device) -> Result<TokenModel> {
    load_artifact_as(artifact, artifact.config(), device)
}

/// As [`load_artifact`], to a model of another configuration: with the same tensors, such as one with more positions, or one into which that of
/// the artifact [grows](crate::growth) and which begins as it.
pub fn load_artifact_as(
    artifact: &ModelArtifact,
    config: &ModelConfig,
    device: &burn::tensor::Device,
) -> Result<TokenModel> {
    let origins = growth::origins(artifact.config(), config).unwrap_or_default();
    let mut tensors = Vec::new();
    for spec in config.tensor_specs() {
        let origin = growth::layer_of(&spec.name).and_then(|(layer, rest)| Some((origins.get(layer)?, rest)));
        let mut values = match origin {
            Some((origin, rest)) => artifact.tensor(&format!("model.layers.{}.{rest}", origin.layer))?.to_f32(),
            None => artifact.tensor(&spec.name)?.to_f32(),
        };
        if origin.is_some_and(|(origin, rest)| origin.silent && is_to_residual(rest)) {
            values.fill(0.0);
        }
        tensors.push((spec.name, spec.shape, values));
    }
    load(TokenModel::new(config, device), tensors, &artifact.path().display().to_string())
}

/// Rules of every parameter, by Hugging Face name: those of [`usual_rules`].
pub fn parameter_groups(model: &TokenModel, config: &ModelConfig) -> Vec<ParameterGroup> {
    let base = usual_rules(config.tensor_specs(), model.backbone());
    // Adapters are matrices like others; how they start is told where they are made.
    let adapter = |path| ParameterGroup {
        path,
        learning_rate_scale: 1.0,
        decays: true,
        initialization: Initialization::Constant(0.0),
    };
    base.into_iter().chain(adapters::parameter_names(model).into_iter().map(adapter)).collect()
}

/// The mixers' and channel mixing's own rules, and for the rest normal(0.02) with decay for matrices, one without decay for norms, zero
/// without decay for biases. Projections back into the residual stream start smaller by `1 / sqrt(2 * layers)` (Radford et al. 2019).
fn usual_rules(specs: Vec<TensorSpec>, backbone: &Backbone) -> Vec<ParameterGroup> {
    let residual_scale = 1.0 / (2.0 * backbone.blocks().len() as f64).sqrt();
    let mut of_their_own = HashMap::new();
    for (layer, block) in backbone.blocks().iter().enumerate() {
        let mixer = (format!("mixer.{}", block.mixer().folder()), block.mixer().parameter_groups());
        let feed_forward = block.feed_forward().map(FeedForward::parameter_groups).unwrap_or_default();
        for (part, groups) in [mixer, ("feed_forward.".to_owned(), feed_forward)] {
            for group in groups {
                let path = hugging_face_name(&format!("backbone.blocks.{layer}.{part}{}", group.path));
                of_their_own.insert(path.clone(), ParameterGroup { path, ..group });
            }
        }
    }
    let rule = |spec: TensorSpec| {
        let matrix = spec.shape.len() > 1;
        let constant = if spec.name.ends_with(".bias") { 0.0 } else { 1.0 };
        let mut group = of_their_own.remove(&spec.name).unwrap_or(ParameterGroup {
            path: spec.name.clone(),
            learning_rate_scale: 1.0,
            decays: matrix,
            initialization: if matrix { Initialization::Normal(0.02) } else { Initialization::Constant(constant) },
        });
        let to_residual = spec.name.ends_with(".weight") && is_to_residual(&spec.name);
        if let (true, &Initialization::Normal(deviation)) = (to_residual, &group.initialization) {
            group.initialization = Initialization::Normal(deviation * residual_scale);
        }
        group
    };
    specs.into_iter().map(rule).collect()
}

/// Whether a parameter is of a projection back into the residual stream.
fn is_to_residual(name: &str) -> bool {
    let maps = ["o_proj", "down_proj", "mixer.out_proj", "mixer.output", "mlp.value"];
    name.rsplit_once('.').is_some_and(|(map, _)| maps.iter().any(|end| map.ends_with(end)))
}

/// Rules of every parameter of a vector model: [`usual_rules`], and its ports' own. The input map starts so that normalized vectors
/// come out with a variance of one, a domain code starts without effect, and a scaler (median, spread) stays what is given.
pub fn vector_parameter_groups(
    model: &VectorModel,
    config: &VectorConfig,
    scaler: Option<&[Vec<f32>; 2]>,
) -> Vec<ParameterGroup> {
    let given = |part: usize| {
        let values = scaler.map(|s| s[part].iter().map(|&v| f64::from(v)).collect());
        values.map_or(Initialization::Constant(part as f64), Initialization::Values)
    };
    let is_port = |name: &str| ["in_port.", "denoiser.", "out_port."].iter().any(|p| name.starts_with(p));
    let own = |name: &str| match name {
        "in_port.projection.weight" | "denoiser.input.weight" => {
            Some(Initialization::Normal(1.0 / (config.vector_size as f64).sqrt()))
        }
        "in_port.scaler.median" => Some(given(0)),
        "in_port.scaler.spread" => Some(given(1)),
        // A denoiser's block starts as the identity: its gates are closed.
        _ if name.starts_with("in_port.domain.")
            || name.contains(".modulation.")
            || name.ends_with(".bias") && is_port(name) =>
        {
            Some(Initialization::Constant(0.0))
        }
        _ => None,
    };
    let rule = |group: ParameterGroup| match own(&group.path) {
        Some(initialization) => {
            let decays = ["in_port.projection.weight", "denoiser.input.weight"].contains(&group.path.as_str());
            ParameterGroup { initialization, decays, ..group }
        }
        None => group,
    };
    usual_rules(config.tensor_specs(), model.backbone()).into_iter().map(rule).collect()
}

/// Starts every parameter by its rule, each from its own random stream of `seed`.
pub fn initialize(model: TokenModel, config: &ModelConfig, seed: u64) -> TokenModel {
    let groups = parameter_groups(&model, config);
    start(model, groups, seed)
}

/// Starts every parameter by its rule in `groups`, each from its own random stream of `seed`.
///
/// # Panics
/// If a parameter has no rule.
pub fn start<M: Module>(model: M, groups: Vec<ParameterGroup>, seed: u64) -> M {
    let groups: HashMap<String, ParameterGroup> = groups.into_iter().map(|g| (g.path.clone(), g)).collect();
    update(model, |name, shape, values| {
        let mut rng = seed::rng(seed, &format!("init/{name}"));
        groups[name].initialization.fill(shape, values, &mut rng);
    })
}
