//! Who is ahead of whom, among several systems? Holm's adjustment, ranks, and groups of systems that tie.

use serde::{Deserialize, Serialize};

/// The ranking in words, for a report.
pub const METHOD: &str = "Two systems are separated when the p-value of their paired test, adjusted by Holm over all pairs \
    of the metric, is below 0.05. A system's rank is 1 plus the number of systems separated from it with a better score. A tie \
    group (a letter) is a set of systems of which no two are separated and to which no other could be added: systems that \
    share a letter are tied, systems that share none are separated.";

/// p-values adjusted by Holm's step-down method, in the order given; NaN counts as 1.
///
/// Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let p = |i: usize| if p_values[i].is_nan() { 1.0 } else { p_values[i] };
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p(*a).total_cmp(&p(*b)));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest = 0.0f64;
    for (place, &i) in order.iter().enumerate() {
        largest = largest.max(p(i) * (p_values.len() - place) as f64).min(1.0);
        adjusted[i] = largest;
    }
    adjusted
}

/// One system's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// 1 plus the number of systems that are separated from it with a better score.
    pub rank: usize,
    /// Its tie groups, by letter, the best group `a`.
    pub groups: Vec<String>,
}

/// The places of systems with these scores, where `separated(i, j)` says (symmetrically) which pairs are. Without
/// `more_is_better`, the lowest score leads.
pub fn places(scores: &[f64], more_is_better: bool, separated: &dyn Fn(usize, usize) -> bool) -> Vec<Place> {
    let better = |a: usize, b: usize| {
        let order = scores[a].total_cmp(&scores[b]);
        if more_is_better { order.is_gt() } else { order.is_lt() }
    };
    let ahead = |i: usize| (0..scores.len()).filter(|&j| j != i && separated(i, j) && better(j, i)).count();
    let mut places: Vec<Place> = (0..scores.len()).map(|i| Place { rank: 1 + ahead(i), groups: Vec::new() }).collect();
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| {
        if better(*a, *b) {
            std::cmp::Ordering::Less
        } else if better(*b, *a) {
            std::cmp::Ordering::Greater
        } else {
            a.cmp(b)
        }
    });
    // Groups as places in that order, so that sorting them puts the group of the best first.
    let tied = |a: usize, b: usize| a != b && !separated(order[a], order[b]);
    let mut groups = Vec::new();
    maximal_sets(&mut Vec::new(), (0..order.len()).collect(), Vec::new(), &tied, &mut groups);
    groups.iter_mut().for_each(|g| g.sort_unstable());
    groups.sort();
    for (at, group) in groups.iter().enumerate() {
        for member in group {
            places[order[*member]].groups.push(letter(at));
        }
    }
    places
}

/// Every set of pairwise tied members that no other could join (Bron and Kerbosch, with a pivot).
fn maximal_sets(
    chosen: &mut Vec<usize>,
    mut candidates: Vec<usize>,
    mut done: Vec<usize>,
    tied: &dyn Fn(usize, usize) -> bool,
    out: &mut Vec<Vec<usize>>,
) {
    let ties = |of: usize| candidates.iter().filter(|c| tied(of, **c)).count();
    let Some(pivot) = candidates.iter().chain(&done).copied().max_by_key(|v| ties(*v)) else {
        if !chosen.is_empty() {
            out.push(chosen.clone());
        }
        return;
    };
    for v in candidates.clone().into_iter().filter(|v| !tied(pivot, *v)) {
        let among = |set: &[usize]| set.iter().copied().filter(|u| tied(v, *u)).collect::<Vec<_>>();
        chosen.push(v);
        maximal_sets(chosen, among(&candidates), among(&done), tied, out);
        chosen.pop();
        candidates.retain(|c| *c != v);
        done.push(v);
    }
}

/// a, b, ..., z, aa, ab, ...
fn letter(mut at: usize) -> String {
    let mut name = Vec::new();
    loop {
        name.push(char::from(b'a' + (at % 26) as u8));
        match at / 26 {
            0 => return name.into_iter().rev().collect(),
            more => at = more - 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Deserialize)]
    struct Golden {
        holm: Vec<(Vec<f64>, Vec<f64>)>,
    }

    #[test]
    fn holm_equals_statsmodels() {
        let golden: Golden = serde_json::from_str(include_str!("../../tests/data/statistics.json")).unwrap();
        for (p, expected) in golden.holm {
            for (ours, theirs) in holm(&p).iter().zip(&expected) {
                assert!((ours - theirs).abs() < 1e-14, "{p:?}: {ours}, not {theirs}");
            }
        }
        assert_eq!(holm(&[0.02, f64::NAN]), [0.04, 1.0]);
    }

    #[test]
    fn a_system_between_two_others_is_in_both_groups() {
        // Only the best and the worst are separated.
        let far = |a: usize, b: usize| a.abs_diff(b) == 2;
        let found = places(&[0.9, 0.8, 0.7], true, &far);
        assert_eq!(
            found.iter().map(|p| (p.rank, p.groups.concat())).collect::<Vec<_>>(),
            [(1, "a".into()), (1, "ab".into()), (2, "b".into())]
        );
        // Where less is better the letters turn around.
        let found = places(&[0.9, 0.8, 0.7], false, &far);
        assert_eq!(
            found.iter().map(|p| (p.rank, p.groups.concat())).collect::<Vec<_>>(),
            [(2, "b".into()), (1, "ab".into()), (1, "a".into())]
        );
        assert_eq!(places(&[0.5], true, &|_, _| false)[0], Place { rank: 1, groups: vec!["a".into()] });
        assert_eq!([0, 25, 26, 27, 51, 52].map(letter), ["a", "z", "aa", "ab", "az", "ba"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn two_systems_share_a_letter_exactly_when_they_are_not_separated(
            scores in proptest::collection::vec(0u8..10, 1..9), bits in any::<u64>(),
        ) {
            let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
            let separated = |a: usize, b: usize| bits >> ((a.min(b) * 8 + a.max(b)) % 64) & 1 == 1;
            let found = places(&scores, true, &separated);
            for a in 0..scores.len() {
                prop_assert!(!found[a].groups.is_empty());
                for b in (0..scores.len()).filter(|b| *b != a) {
                    let share = found[a].groups.iter().any(|g| found[b].groups.contains(g));
                    prop_assert_eq!(share, !separated(a, b));
                }
            }
        }
    }
}
