//! Writes what the peers (transformers, llama.cpp) are to load: a trained tokenizer, random models with it as folder and GGUF, the golden
//! models as GGUF, and the ids of many strings. `tests/reference/packages.py` and `tests/reference/tokenizer_strings.py` check them.
//!
//! `cargo run -p bantam-formats --example peer_material -- CORPUS.jsonl STRINGS.jsonl GOLDEN_MODELS OUT`; both JSONL files hold one JSON
//! string a line.

use std::io::Write;
use std::path::Path;

use bantam_core::{Error, Result, files, seed};
use bantam_formats::gguf::{self, GgufType, write_model};
use bantam_formats::{Architecture, ModelArtifact, ModelConfig, TokenizerBundle, hf, tokenizer_training};
use rand::RngExt as _;

const SPECIAL: [&str; 5] = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|pad|>"];
const TEMPLATE: &str = "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}{% endfor %}\
    {% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [corpus, strings, golden, out] = arguments.as_slice() else {
        eprintln!("usage: peer_material CORPUS.jsonl STRINGS.jsonl GOLDEN_MODELS OUT");
        std::process::exit(2);
    };
    if let Err(e) = run(Path::new(corpus), Path::new(strings), Path::new(golden), Path::new(out)) {
        eprintln!("{e}");
        std::process::exit(i32::from(e.exit_code()));
    }
}

fn run(corpus: &Path, strings: &Path, golden: &Path, out: &Path) -> Result<()> {
    files::create_dir(out)?;
    let corpus = read_strings(corpus)?;
    let json = tokenizer_training::train(&corpus, 1024, 95, &SPECIAL)?;
    let bundle = TokenizerBundle {
        tokenizer_json: json,
        chat_template: Some(TEMPLATE.into()),
        bos_token: None,
        eos_token: Some("<|end|>".into()),
        pad_token: Some("<|pad|>".into()),
    };
    for (name, architecture, tied) in [
        ("llama", Architecture::Llama, true),
        ("llama_untied", Architecture::Llama, false),
        ("qwen2", Architecture::Qwen2, true),
        ("qwen3", Architecture::Qwen3, true),
        ("gpt2", Architecture::Gpt2, true),
    ] {
        let config = config(architecture, tied);
        let tensors = random(&config, name);
        hf::write_folder(&out.join(name), &config, &tensors, Some(&bundle))?;
        for (suffix, kind) in [("f32", GgufType::F32), ("f16", GgufType::F16), ("q8_0", GgufType::Q8_0)] {
            let summary =
                write_model(&out.join(format!("{name}-{suffix}.gguf")), &config, &tensors, Some(&bundle), kind)?;
            println!("{name} {suffix}: {} bytes, {:.2} bits a weight", summary.file_bytes, summary.bits_per_weight);
        }
    }
    for entry in std::fs::read_dir(golden).map_err(|e| Error::io(golden, "read the folder", &e))?.flatten() {
        let path = entry.path();
        let artifact = ModelArtifact::open(&path)?;
        let specs = artifact.config().tensor_specs().into_iter();
        let tensors = specs
            .map(|s| artifact.tensor(&s.name).map(|t| (s.name, s.shape, t.to_f32())))
            .collect::<Result<Vec<_>>>()?;
        let name = entry.file_name().to_string_lossy().into_owned();
        write_model(&out.join(format!("golden-{name}.gguf")), artifact.config(), &tensors, None, GgufType::F32)?;
    }

    sentence_piece(out)?;
    let from_folder = ModelArtifact::open(out.join("llama"))?.tokenizer()?;
    let from_gguf = ModelArtifact::open(out.join("llama-f16.gguf"))?.tokenizer()?;
    let (mut bytes, mut tokens) = (0, 0);
    let texts = read_strings(strings)?;
    files::write_with(&out.join("ids.jsonl"), |file| {
        for text in &texts {
            let ids = from_folder.encode(text, false);
            assert_eq!(ids, from_gguf.encode(text, false), "folder and GGUF differ on {text:?}");
            assert_eq!(from_folder.decode(&ids, false), *text, "decoding does not give the text back");
            (bytes, tokens) = (bytes + text.len(), tokens + ids.len());
            writeln!(file, "{ids:?}")?;
        }
        Ok(())
    })?;
    println!("{} strings, {:.3} bytes a token", texts.len(), bytes as f64 / tokens as f64);
    Ok(())
}

fn read_strings(path: &Path) -> Result<Vec<String>> {
    let wrong = |e| Error::input(path.display(), e, "give one JSON string a line");
    files::read_text(path)?.lines().map(|line| serde_json::from_str(line).map_err(wrong)).collect()
}

/// A vocabulary in SentencePiece's manner, read from a GGUF and written again.
fn sentence_piece(out: &Path) -> Result<()> {
    let vocabulary = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sentence_piece/vocabulary.gguf");
    let file = |path: &Path| std::fs::read(path).map_err(|e| Error::io(path, "read", &e));
    let (vocabulary, model) = (file(&vocabulary)?, file(&out.join("llama-f16.gguf"))?);
    let contents = gguf::parse(&model, "llama-f16.gguf")?;
    let is_tokenizer = |key: &str| key.starts_with("tokenizer.");
    let mut keys = contents.keys;
    keys.retain(|key, _| !is_tokenizer(key));
    keys.extend(gguf::parse(&vocabulary, "vocabulary.gguf")?.keys.into_iter().filter(|(key, _)| is_tokenizer(key)));
    let tensors: Vec<_> = contents
        .tensors
        .into_iter()
        .map(|t| {
            let bytes = &model[t.range];
            gguf::Tensor { name: t.name, shape: t.shape, dtype: t.dtype, bytes: Box::new(|| Ok(bytes.to_vec())) }
        })
        .collect();
    let path = out.join("sentence_piece_read.gguf");
    gguf::write(&path, &keys.into_iter().collect::<Vec<_>>(), &tensors)?;
    let read = ModelArtifact::open(&path)?.tokenizer()?;
    let bundle = TokenizerBundle { tokenizer_json: read.json().to_owned(), ..Default::default() };
    let config = config(Architecture::Llama, true);
    write_model(&out.join("sentence_piece.gguf"), &config, &random(&config, "x"), Some(&bundle), GgufType::F16)?;
    Ok(())
}

fn config(architecture: Architecture, tied: bool) -> ModelConfig {
    ModelConfig {
        architecture,
        vocab_size: 1024,
        hidden_size: 64,
        // No multiple of 32: `down_proj` stays F16 in a Q8_0 file.
        intermediate_size: 80,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: if architecture == Architecture::Gpt2 { 4 } else { 2 },
        head_dim: 16,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: None,
        tie_word_embeddings: tied,
        max_position_embeddings: 256,
        attention_bias: matches!(architecture, Architecture::Qwen2 | Architecture::Gpt2),
        bos_token_id: None,
        eos_token_ids: vec![0],
        pad_token_id: Some(4),
        mixers: Vec::new(),
    }
}

fn random(config: &ModelConfig, name: &str) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let mut rng = seed::rng(1, name);
    let draw = |spec: bantam_formats::TensorSpec| {
        let center = if spec.name.contains("norm") || spec.name.contains("ln_") { 1.0 } else { 0.0 };
        let data = (0..spec.shape.iter().product()).map(|_| center + rng.random_range(-0.3..0.3f32)).collect();
        (spec.name, spec.shape, data)
    };
    config.tensor_specs().into_iter().map(draw).collect()
}
