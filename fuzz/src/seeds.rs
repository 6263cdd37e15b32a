//! Writes a few small valid inputs for every target to `corpus/`, from which the fuzzer starts.

use std::path::Path;

use bantam_formats::gguf::{self, GgufType, package};
use bantam_formats::{ModelArtifact, TokenizerBundle, hf, tokenizer_training};
use bantam_runtime::{LoadOptions, Model, Session};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let put = |target: &str, name: &str, bytes: &[u8]| -> Result<(), Failure> {
        let dir = corpus.join(target);
        std::fs::create_dir_all(&dir)?;
        Ok(std::fs::write(dir.join(name), bytes)?)
    };

    let tokenizer_json = tokenizer_training::train(["it's an order of 12 apples"; 4], 270, 1, &["<|end|>"])?;
    put("tokenizer_json", "byte_level", tokenizer_json.as_bytes())?;
    let bundle = TokenizerBundle { tokenizer_json, eos_token: Some("<|end|>".into()), ..Default::default() };
    for (name, rows, tokenizer) in [("bare", 5, None), ("byte_level", 270, Some(&bundle))] {
        let config = bantam_fuzz::config(rows);
        let tensors = bantam_fuzz::tensors(&config);
        let path = bantam_fuzz::scratch("seed.gguf");
        gguf::write_model(&path, &config, &tensors, tokenizer, GgufType::F16)?;
        let file = std::fs::read(&path)?;
        put("gguf", name, &file)?;
        put("package", name, &file)?;
        let packed = bantam_fuzz::scratch("seed.gguf.zst");
        package::write(&packed, &file)?;
        put("package", &format!("{name}.zst"), &std::fs::read(&packed)?)?;
    }

    let config = bantam_fuzz::config(5);
    let tensors = bantam_fuzz::tensors(&config);
    let folder = bantam_fuzz::scratch("seed");
    hf::write_folder(&folder, &config, &tensors, None)?;
    put("safetensors", "f32", &std::fs::read(folder.join("model.safetensors"))?)?;

    let model = Model::from_tensors(&config, &tensors, LoadOptions { threads: 1, ..Default::default() })?;
    for tokens in [0, 1, 3, 17] {
        let mut session = Session::new(&model);
        if tokens > 0 {
            session.prefill(&vec![2; tokens])?;
        }
        put("session_state", &tokens.to_string(), &session.save_state())?;
    }

    let bpe = ["a", "b", "c", "ab", "abc", "Ġ", "Ċ", "!", "<|end|>\t3", "Ã", "©"].join("\n");
    for pre in ["smollm", "gpt-2", "llama-bpe", "qwen2", "deepseek-llm", "deepseek-v3", "falcon", "bloom", "gpt-4o", "default"] {
        put("gguf_tokenizer", pre, format!("gpt2\n{pre}\nb1\ta b\tab c\n{bpe}\n\nabc é!").as_bytes())?;
    }
    let bytes: Vec<String> = (0..=255).map(|b| format!("<0x{b:02X}>\t6")).collect();
    let pieces = "▁\t1a\na\t1b\nb\t1c\n▁a\t1z\nab\t1y\n▁ab\t1x";
    let sentence_piece = format!("llama\ndefault\nbs1\n\n<unk>\t2\n<s>\t3\n</s>\t3\n{}\n{pieces}\n\n ab a é", bytes.join("\n"));
    put("gguf_tokenizer", "sentence_piece", sentence_piece.as_bytes())?;
    // Its tokenizer.json is what the reader makes of it.
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/formats/tests/data/sentence_piece/tokenizer.json");
    put("tokenizer_json", "sentence_piece", &std::fs::read(golden)?)?;
    assert!(ModelArtifact::open(bantam_fuzz::scratch("seed.gguf")).is_ok());
    Ok(())
}
