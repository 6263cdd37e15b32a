//! What does the default configuration generate? Writes it: `cargo run -p bantam-data --example write_data -- DIR [seed]`.

use std::path::PathBuf;

use bantam_core::Error;
use bantam_data::edge_json::{GenerateConfig, generate};

fn main() -> bantam_core::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let dir =
        arguments.next().ok_or_else(|| Error::input("arguments", "no folder given", "name the folder to write"))?;
    let seed = arguments.next().and_then(|s| s.parse().ok()).unwrap_or(1);
    generate(&GenerateConfig { seed, ..GenerateConfig::default() })?.write(&PathBuf::from(dir))
}
