//! A GGUF: parsed, then opened as a model whose every tensor is read.
#![no_main]

use bantam_formats::gguf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    match gguf::parse(file, "x.gguf") {
        Err(error) => bantam_fuzz::check_refusal(&error),
        Ok(contents) => {
            assert!(contents.tensors.iter().all(|t| t.range.end <= file.len() && t.range.start <= t.range.end));
            let path = bantam_fuzz::scratch("model.gguf");
            std::fs::write(&path, file).expect("the temporary folder is writable");
            bantam_fuzz::open_and_use(&path);
        }
    }
});
