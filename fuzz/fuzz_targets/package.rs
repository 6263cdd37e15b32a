//! A compressed package. An input that is no Zstandard frame is packed first: what was written must read back.
#![no_main]

use bantam_formats::gguf::package;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let path = bantam_fuzz::scratch("model.gguf.zst");
    if file.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        std::fs::write(&path, file).expect("the temporary folder is writable");
    } else {
        // `write` compares what it reads back.
        package::write(&path, file).expect("what was written reads back");
    }
    bantam_fuzz::open_and_use(&path);
});
