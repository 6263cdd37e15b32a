//! A step allocates nothing once room is made for it, whatever the mixer.

mod random_model;

#[path = "../../formats/tests/formats/memory.rs"]
mod memory;

use bantam_formats::{Architecture, MIXER_NAMES, MixerConfig, ModelConfig};
use bantam_runtime::Session;
use random_model::{llama, model};

#[test]
fn a_step_allocates_nothing() {
    let with = |name: &str| ModelConfig { mixers: vec![MixerConfig::usual(name, &llama()).unwrap()], ..llama() };
    let mixers = MIXER_NAMES.into_iter().filter(|name| *name != "linformer").map(|name| (name, with(name)));
    let whole = [Architecture::Rwkv4, Architecture::Rwkv7]
        .map(|architecture| (architecture.name(), ModelConfig { architecture, ..with(architecture.name()) }));
    for (name, config) in mixers.chain(whole) {
        let model = model(&config, 1);
        let mut session = Session::new(&model);
        session.prefill(&[1, 2, 3]).unwrap();
        session.reserve(100);
        session.step(4).unwrap();
        let (_, peak) = memory::peak_of(|| {
            for token in 0..60 {
                session.step(token).unwrap();
            }
        });
        assert_eq!(peak, 0, "{name}");
    }
}
