//! The example that docs/runtime.md shows is the one that compiles.

#[test]
fn the_example_in_the_docs_is_the_example() {
    let page = include_str!("../../../docs/runtime.md");
    let example = include_str!("../examples/embed.rs");
    let shown = page.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let (_, body) = example.split_once("fn run(path: &Path) -> Result<()> {\n").unwrap();
    let body: String = body.split_inclusive('\n').map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    assert!(body.starts_with(shown.trim_end()), "docs/runtime.md shows another example");
}
