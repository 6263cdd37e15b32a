//! Writes a model with random weights as a Hugging Face folder and as F32, F16 and Q8_0 GGUF, for comparison with other engines.
//!
//! `random_model OUT PROMPTS WIDTH LAYERS HEADS KEY_HEADS FFN VOCAB [MIXERS]`: the tokenizer is trained on the file PROMPTS; MIXERS is a pattern
//! such as `mamba2,attention`.

use std::path::Path;

use bantam_core::{Error, Result, files, seed};
use bantam_formats::gguf::{GgufType, write_model};
use bantam_formats::{Architecture, MixerConfig, ModelConfig, TokenizerBundle, hf, tokenizer_training};
use rand::RngExt as _;

fn main() {
    if let Err(error) = run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        eprintln!("{error}");
        std::process::exit(error.exit_code().into());
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let form = "random_model OUT PROMPTS WIDTH LAYERS HEADS KEY_HEADS FFN VOCAB [MIXERS]";
    let usage = || Error::input("arguments", "not eight or nine", form);
    let [out, prompts, sizes @ ..] = arguments else { return Err(usage()) };
    let (sizes, pattern) = sizes.split_at(sizes.len().min(6));
    let sizes = sizes.iter().map(|s| s.parse().map_err(|_| usage())).collect::<Result<Vec<usize>>>()?;
    let [hidden_size, num_hidden_layers, num_attention_heads, num_key_value_heads, intermediate_size, vocab_size] =
        sizes[..]
    else {
        return Err(usage());
    };
    let mut config = ModelConfig {
        architecture: Architecture::Llama,
        vocab_size,
        hidden_size,
        intermediate_size,
        num_hidden_layers,
        num_attention_heads,
        num_key_value_heads,
        head_dim: hidden_size / num_attention_heads.max(1),
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: None,
        tie_word_embeddings: true,
        max_position_embeddings: 2048,
        attention_bias: false,
        bos_token_id: None,
        eos_token_ids: vec![0],
        pad_token_id: None,
        mixers: Vec::new(),
    };
    for name in pattern.iter().flat_map(|names| names.split(',')) {
        let mixer = MixerConfig::usual(name, &config);
        config.mixers.push(mixer.ok_or_else(|| Error::input("MIXERS", name, "name mixers of docs/mixers.md"))?);
    }
    config.validate("arguments")?;
    let text = files::read_text(Path::new(prompts))?;
    let bundle = TokenizerBundle {
        tokenizer_json: tokenizer_training::train(text.lines(), vocab_size, (vocab_size - 257) / 8, &["<|end|>"])?,
        eos_token: Some("<|end|>".into()),
        ..TokenizerBundle::default()
    };
    let tensors: Vec<(String, Vec<usize>, Vec<f32>)> = config
        .tensor_specs()
        .into_iter()
        .map(|spec| {
            let mut rng = seed::rng(0, &spec.name);
            let (scale, centre) = match spec.shape[..] {
                [_] => (0.2, 1.0),
                _ if spec.name == bantam_formats::EMBEDDING => (0.1, 0.0),
                _ => (1.7 / (spec.shape[1] as f32).sqrt(), 0.0),
            };
            let n = spec.shape.iter().product();
            let values = (0..n).map(|_| centre + rng.random_range(-scale..scale)).collect();
            (spec.name, spec.shape, values)
        })
        .collect();
    let out = Path::new(out);
    files::create_dir(out)?;
    hf::write_folder(&out.join("model"), &config, &tensors, Some(&bundle))?;
    for (name, kind) in [("f32", GgufType::F32), ("f16", GgufType::F16), ("q8_0", GgufType::Q8_0)] {
        write_model(&out.join(format!("model-{name}.gguf")), &config, &tensors, Some(&bundle), kind)?;
    }
    println!("{} parameters", config.parameter_count());
    Ok(())
}
