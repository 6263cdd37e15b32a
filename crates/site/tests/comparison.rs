//! A comparison's pages say what the comparison found, and nothing from outside leaves its place.

use bantam_eval::compare::{Compared, Scored, System, compare};
use bantam_eval::result::Source;
use bantam_site::comparison;

fn report() -> bantam_eval::compare::Report {
    report_of("json_exact")
}

fn report_of(metric: &str) -> bantam_eval::compare::Report {
    let system = |name: &str, right: usize| Scored {
        system: System { name: name.to_owned(), file: format!("{name}.json"), floor: false },
        scores: vec![(0..40).map(|i| f64::from(u8::from(i < right))).collect()],
    };
    let compared = Compared {
        suite: "edge-json".to_owned(),
        metric_version: 1,
        data: Source { name: "test.jsonl".to_owned(), sha256: "ab".repeat(32) },
        ids: (0..40).map(|i| format!("item-{i}")).collect(),
        clusters: (0..40).map(|i| i % 8).collect(),
        metrics: vec![metric.to_owned()],
        systems: vec![system("<script>a|b", 38), system("small_model", 10)],
    };
    compare(&compared).unwrap()
}

#[test]
fn the_pages_name_ranks_tests_and_flips() {
    let (markdown, html) = (comparison::markdown(&report()), comparison::html(&report()));
    assert!(markdown.contains("| 1 | a | &lt;script&gt;a\\|b | 95.0 % | 83.5 to 98.6 |"), "{markdown}");
    assert!(markdown.contains("| 2 | b | small\\_model | 25.0 % |"), "{markdown}");
    assert!(markdown.contains("McNemar, exact") && markdown.contains("7.45e-9") && markdown.contains("separated"));
    assert!(markdown.contains("28 items: item-10, ") && markdown.contains("and 8 more"), "{markdown}");
    assert!(markdown.contains("Connor") && markdown.contains("Holm"));
    assert!(html.contains("&lt;script&gt;a|b") && !html.contains("<script"), "{html}");
    // What is no share is no percentage.
    let markdown = comparison::markdown(&report_of("squared_error"));
    assert!(markdown.contains("| small\\_model | 0.25 | 0."), "{markdown}");
}
