//! No text, however broken, gets past the recipe reader as anything but a recipe or one line with exit code 2.

use std::path::Path;

use bantam_pipeline::recipe::Recipe;
use proptest::prelude::*;

const TINY: &str = include_str!("../../../recipes/tiny.toml");
const MAIN: &str = include_str!("../../../recipes/edge-json.toml");
const V4: &str = include_str!("../../../recipes/edge-json-v4.toml");

fn refused_or_whole(text: &str, overrides: &[String]) -> Result<(), TestCaseError> {
    match Recipe::parse(Path::new("r.toml"), text, overrides) {
        Ok(recipe) => {
            let written = recipe.to_toml().unwrap();
            prop_assert_eq!(Recipe::parse(Path::new("r.toml"), &written, &[]).unwrap(), recipe);
        }
        Err(error) => {
            prop_assert_eq!(error.exit_code(), 2);
            prop_assert!(!error.to_string().contains('\n'));
        }
    }
    Ok(())
}

#[test]
fn the_recipes_of_the_repository_are_right() {
    for (name, text) in [("tiny", TINY), ("edge-json", MAIN), ("edge-json-v4", V4)] {
        let recipe = Recipe::parse(Path::new(name), text, &[]).unwrap();
        assert_eq!(recipe.run.name, name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn edited_recipes(
        at in 0..TINY.len(), take in 0usize..12, put in prop::sample::select(vec![
            "", "=", "[", "]", "\"", "-1", "1e999", "nan", "inf", "0", "{", "}", "\n", "99999999999999999999", "é", "[[a]]",
        ])
    ) {
        // The recipe is ASCII, so that every offset is a border between characters.
        let end = (at + take).min(TINY.len());
        prop_assume!(TINY.is_char_boundary(at) && TINY.is_char_boundary(end));
        refused_or_whole(&format!("{}{put}{}", &TINY[..at], &TINY[end..]), &[])?;
    }

    #[test]
    fn any_override(text in "\\PC{0,24}", key in "[a-z_.0-9]{0,16}", value in "[-0-9a-z\"'{}\\[\\],=. ]{0,16}") {
        refused_or_whole(TINY, &[text])?;
        refused_or_whole(TINY, &[format!("train.{key}={value}")])?;
        refused_or_whole(TINY, &[format!("{key}={value}")])?;
    }

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        refused_or_whole(&text, &[])?;
    }
}
