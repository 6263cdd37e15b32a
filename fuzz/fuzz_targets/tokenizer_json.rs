//! A `tokenizer.json`.
#![no_main]

use bantam_formats::Tokenizer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    match Tokenizer::from_json(file, "tokenizer.json") {
        Ok(tokenizer) => bantam_fuzz::use_tokenizer(&tokenizer, "It's 12 <|end|> é\n\n日本 😀\u{0} aaaaaaaaaaaaaaaaaaaa"),
        Err(error) => bantam_fuzz::check_refusal(&error),
    }
});
