//! Generated intent texts to look at: `cargo run -p bantam-data --example show_intents -- [seed]`.

use bantam_data::intent::edge_device::{self, EdgeDeviceConfig};

fn main() -> bantam_core::Result<()> {
    let seed = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(1);
    let made = edge_device::generate(&EdgeDeviceConfig { seed, ..Default::default() })?;
    for item in made.test.iter().step_by(12).chain(made.train.iter().step_by(200)) {
        println!("{:<18} {:<6} {} {:?}", item.intent, item.kind.as_deref().unwrap_or(""), item.text, item.slots);
    }
    println!("{}", serde_json::to_string_pretty(&made.overlap).unwrap_or_default());
    Ok(())
}
