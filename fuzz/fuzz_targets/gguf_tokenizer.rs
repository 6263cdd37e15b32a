//! A vocabulary in a GGUF, byte-level BPE or SentencePiece. The input is lines: kind, pre-tokenizer, flags, merges (parted by a tab),
//! then a token a line, which may end in a tab, its type and its score's byte; what follows an empty line is a text to encode.
#![no_main]

use bantam_formats::ModelArtifact;
use bantam_formats::gguf::{self, GgufType, List, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let input = String::from_utf8_lossy(input);
    let (head, text) = input.split_once("\n\n").unwrap_or((&input, "It's 12 é\n 日本😀"));
    let mut lines = head.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (kind, pre, flags, merges) = (line(), line(), line(), line());
    let (mut tokens, mut types, mut scores) = (Vec::new(), Vec::new(), Vec::new());
    for entry in lines.take(400) {
        let (token, rest) = entry.split_once('\t').unwrap_or((entry, ""));
        let rest = rest.as_bytes();
        tokens.push(token.to_owned());
        types.push(rest.first().map_or(1, |b| i32::from(*b) - 48));
        scores.push(rest.get(1).map_or(-(tokens.len() as f64), |b| f64::from(*b)));
    }
    let config = bantam_fuzz::config(tokens.len().max(1));
    let path = bantam_fuzz::scratch("tokenizer.gguf");
    gguf::write_model(&path, &config, &bantam_fuzz::tensors(&config), None, GgufType::F32).expect("the model is sound");
    let file = std::fs::read(&path).expect("it was written");
    let contents = gguf::parse(&file, "x").expect("it was written");
    let mut keys = contents.keys;
    let mut set = |key: &str, value: Value| drop(keys.insert(format!("tokenizer.ggml.{key}"), value));
    set("model", Value::Text(kind.into()));
    set("pre", Value::Text(pre.into()));
    set("tokens", List::texts(tokens));
    set("token_type", List::i32s(types));
    set("scores", Value::List(List::Floats { kind: 6, values: scores }));
    set("merges", List::texts(merges.split('\t').filter(|m| !m.is_empty()).map(str::to_owned).collect()));
    for (key, flag) in [("add_bos_token", 'b'), ("add_eos_token", 'e'), ("add_space_prefix", 's')] {
        set(key, Value::Bool(flags.contains(flag)));
    }
    let digit = flags.bytes().find(u8::is_ascii_digit).map_or(0, |b| u32::from(b) - 48);
    set("bos_token_id", Value::U32(digit));
    set("eos_token_id", Value::U32(digit + 1));
    let tensors: Vec<_> = contents
        .tensors
        .into_iter()
        .map(|t| gguf::Tensor {
            name: t.name,
            shape: t.shape,
            dtype: t.dtype,
            bytes: Box::new({
                let bytes = &file[t.range];
                move || Ok(bytes.to_vec())
            }),
        })
        .collect();
    gguf::write(&path, &keys.into_iter().collect::<Vec<_>>(), &tensors).expect("the model is sound");
    match ModelArtifact::open(&path).and_then(|artifact| artifact.tokenizer()) {
        Ok(tokenizer) => bantam_fuzz::use_tokenizer(&tokenizer, text),
        Err(error) => bantam_fuzz::check_refusal(&error),
    }
});
