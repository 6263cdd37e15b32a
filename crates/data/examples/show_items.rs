//! Which items does the generator make? Prints some of every level and style:
//! `cargo run -p bantam-data --example show_items -- [items per level and style] [seed] [split]`.

use std::collections::BTreeMap;

use bantam_data::edge_json::{Counts, GenerateConfig, generate};
use bantam_data::prompt::schema_signature;

fn main() -> bantam_core::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: u64| arguments.get(i).and_then(|a| a.parse().ok()).unwrap_or(default);
    let (wanted, seed) = (number(0, 1) as usize, number(1, 1));
    let counts = Counts { simple: 300, medium: 300, complex: 300 };
    let config = GenerateConfig { seed, train: counts, valid: counts, test: counts, ..GenerateConfig::default() };
    let data = generate(&config)?;
    let items = match arguments.get(2).map(String::as_str) {
        Some("train") => &data.train,
        Some("valid") => &data.valid,
        _ => &data.test,
    };
    let mut shown: BTreeMap<String, usize> = BTreeMap::new();
    let mut words: BTreeMap<String, Vec<[usize; 4]>> = BTreeMap::new();
    for item in items {
        let key = format!("{:?} {}", item.complexity, item.style.as_deref().unwrap_or(""));
        let signature = data.schema(&item.schema_id).map(schema_signature).unwrap_or_default();
        let sizes = [
            item.prompt.split_whitespace().count(),
            item.prompt.len(),
            signature.len(),
            item.expected_output.get().len(),
        ];
        for key in [format!("{:?} all", item.complexity), key.clone()] {
            words.entry(key).or_default().push(sizes);
        }
        let shown = shown.entry(key.clone()).or_default();
        if *shown < wanted {
            *shown += 1;
            println!(
                "######## {key} {} seen: schema {:?} templates {:?}",
                item.id, item.schema_seen, item.templates_seen
            );
            println!("{signature}\n--------\n{}\n--------\n{}\n", item.prompt, item.expected_output);
        }
    }
    println!("level and style: items, words of text, bytes of text, of signature, of gold (means)");
    for (key, sizes) in words {
        let mean = |i: usize| sizes.iter().map(|s| s[i]).sum::<usize>() / sizes.len();
        println!("{key}: {}, {}, {}, {}, {}", sizes.len(), mean(0), mean(1), mean(2), mean(3));
    }
    Ok(())
}
