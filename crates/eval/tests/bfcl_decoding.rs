//! Python's call syntax against bfcl-eval's decoder (tests/reference/bfcl.py), and against anything at all.

use bantam_eval::function_call::{Literal, json_calls, python};
use proptest::prelude::*;

/// What the published decoder makes of the calls, as Python spells it.
fn spelled(output: &str) -> Option<String> {
    let calls = python::parse(output).ok()?;
    let call = |call: bantam_eval::function_call::Call| {
        let key = |name: Option<String>| name.map_or(Literal::None, Literal::Str);
        let arguments = call.arguments.into_iter().map(|(name, value)| (key(name), value)).collect();
        Literal::Dict(vec![(Literal::Str(call.name), Literal::Dict(arguments))])
    };
    Some(Literal::List(calls.into_iter().map(call).collect()).repr())
}

#[test]
fn every_output_is_decoded_as_published() {
    let cases: Vec<(String, Option<String>)> = serde_json::from_str(include_str!("data/bfcl_decoded.json")).unwrap();
    assert!(cases.len() > 200);
    let mut wrong = Vec::new();
    for (output, expected) in cases {
        let found = spelled(&output);
        if found != expected {
            wrong.push(format!("{output:?}\n  published {expected:?}\n  here      {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_panics(text in "\\PC{0,60}", code in "[\\[\\](){}f.,:=+*/%~<>|&^ '\"\\\\0-9a-zx_\\n#-]{0,60}") {
        for text in [&text, &code] {
            let _ = python::parse(text);
            let _ = json_calls::parse(text);
        }
    }

    #[test]
    fn what_python_spells_reads_back(values in prop::collection::vec(any::<f64>().prop_filter("a number", |f| f.is_finite()), 0..4),
        n in any::<i64>(), text in "\\PC{0,20}") {
        let list = Literal::List(values.into_iter().map(Literal::Float).chain([Literal::Int(n.into()), Literal::Str(text)]).collect());
        let calls = python::parse(&format!("[f(a={})]", list.repr())).unwrap();
        prop_assert_eq!(&calls[0].arguments[0].1, &list);
    }
}

#[test]
fn depth_ends_in_an_error() {
    for open in ["[", "(", "{", "f(", "f(a=", "-", "not ", "f[", "2**", "x if y else "] {
        assert!(python::parse(&open.repeat(50_000)).is_err(), "{open}");
        assert!(python::parse(&format!("[f(a={})]", open.repeat(50_000))).is_err(), "{open}");
    }
    assert!(python::parse(&format!("[f{}]", ".g".repeat(50_000))).is_err());
    assert!(python::parse(&format!("[f(a=1{})]", "+1".repeat(50_000))).is_err());
    assert!(json_calls::parse(&"[".repeat(50_000)).is_err());
}
