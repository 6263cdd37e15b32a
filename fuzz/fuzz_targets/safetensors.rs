//! The `model.safetensors` of a folder whose `config.json` is sound.
#![no_main]

use std::sync::LazyLock;

use bantam_formats::hf;
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<std::path::PathBuf> = LazyLock::new(|| {
    let (path, config) = (bantam_fuzz::scratch("folder"), bantam_fuzz::config(5));
    hf::write_folder(&path, &config, &bantam_fuzz::tensors(&config), None).expect("the model is sound");
    path
});

fuzz_target!(|file: &[u8]| {
    std::fs::write(FOLDER.join("model.safetensors"), file).expect("the temporary folder is writable");
    bantam_fuzz::open_and_use(&FOLDER);
});
