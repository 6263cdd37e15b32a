//! Which items does the device set hold? `cargo run -p bantam-data --example show_function_items -- [items] [split]`.

use bantam_data::function_call::{GenerateConfig, generate};
use bantam_data::prompt::schema_signature;

fn main() -> bantam_core::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted: usize = arguments.first().and_then(|a| a.parse().ok()).unwrap_or(20);
    let data = generate(&GenerateConfig { train: 4_000, ..GenerateConfig::default() })?;
    let items = if arguments.get(1).is_some_and(|s| s == "train") { &data.train } else { &data.test };
    for item in items.iter().take(wanted) {
        let seen = |of: Option<bool>| if of == Some(true) { "seen" } else { "unseen" };
        println!(
            "{} functions {} templates {} {:?}\n  {}\n  {}\n  {}",
            item.style.as_deref().unwrap_or(""),
            seen(item.schema_seen),
            seen(item.templates_seen),
            item.templates,
            schema_signature(&data.schemas[&item.schema_id]),
            item.prompt,
            item.expected_output
        );
    }
    println!("{}", serde_json::to_string_pretty(&data.overlap).unwrap_or_default());
    Ok(())
}
