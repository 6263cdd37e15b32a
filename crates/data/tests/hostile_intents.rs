//! Do the readers of intents survive any input?

use bantam_data::intent::{Taxonomy, banking77, clinc150, extraction, item, split};
use proptest::prelude::*;

const CLINC: &str = r#"{"train":[["hi","greeting"],["bye","goodbye"]],"oos_train":[["why","oos"]]}"#;
const BANKING: &str = "text,category\n\"a, \"\"b\"\"\",card\nplain,pin\n";
const TAXONOMY: &str = "name = \"t\"\nintents = [{name = \"a\", slots = [{name = \"s\"}]}, {name = \"b\"}]\n";

fn damaged(text: &str, at: usize, with: u8, cut: usize) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let at = at % bytes.len();
    bytes[at] = with;
    bytes.truncate(cut % (bytes.len() + 1));
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_an_input_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let taxonomy = Taxonomy::parse_toml("t", TAXONOMY).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for e in [
            clinc150::parse("f", &bytes).err(),
            banking77::parse("f", &bytes, "train").err(),
            item::parse_jsonl("f", &bytes, &taxonomy).err(),
            Taxonomy::parse_toml("f", &text).err(),
            Taxonomy::parse_json("f", &text).err(),
        ].into_iter().flatten() {
            prop_assert_eq!(e.exit_code(), 2);
            prop_assert!(!e.to_string().contains('\n'));
        }
    }

    #[test]
    fn damaged_files_never_panic_and_what_is_read_converts(at in any::<usize>(), with in any::<u8>(), cut in any::<usize>()) {
        for set in [
            clinc150::parse("f", &damaged(CLINC, at, with, cut)),
            clinc150::parse("f", &damaged(CLINC, at, with, CLINC.len())),
            banking77::parse("f", &damaged(BANKING, at, with, cut), "train"),
            banking77::parse("f", &damaged(BANKING, at, with, BANKING.len()), "train"),
        ].into_iter().flatten() {
            let (rest, valid) = split::hold_out(set.items.clone(), 1, 1);
            prop_assert_eq!(rest.len() + valid.len(), set.items.len());
            for text in &set.items {
                prop_assert!(extraction::item(text, &set.taxonomy).is_ok());
            }
        }
        if let Ok(text) = String::from_utf8(damaged(TAXONOMY, at, with, cut)) {
            let _ = Taxonomy::parse_toml("f", &text);
        }
    }
}
