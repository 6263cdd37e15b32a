//! The saved state of a session. One that loads is the one that is saved again, and goes on.
#![no_main]

use std::sync::LazyLock;

use bantam_runtime::{LoadOptions, Model, Session};
use libfuzzer_sys::fuzz_target;

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let config = bantam_fuzz::config(5);
    let options = LoadOptions { threads: 1, ..LoadOptions::default() };
    Model::from_tensors(&config, &bantam_fuzz::tensors(&config), options).expect("the model is sound")
});

fuzz_target!(|file: &[u8]| {
    let mut session = Session::new(&MODEL);
    match session.load_state(file) {
        Err(error) => bantam_fuzz::check_refusal(&error),
        Ok(()) => {
            assert_eq!(session.save_state(), file);
            if session.remaining() > 1 {
                assert_eq!(session.prefill(&[1, 4]).expect("two tokens fit").len(), 5);
            }
        }
    }
});
