//! How well does each mixer recall? Its best learning rate by the validation items, all seeds of it by the test items.

use bantam_eval::statistics::Estimate;
use bantam_site::zoo::Recall;

use super::Record;
use super::record::Made;

/// One row for each task, model size and pattern of mixers, in the order of the records; the best first within a task.
pub fn standings(records: &[Record]) -> Vec<Recall> {
    let groups = groups(records, |a, b| alike(&a.made, &b.made));
    let mut rows: Vec<Recall> = groups.iter().map(|group| row(group)).collect();
    rows.sort_by(|a, b| a.task.cmp(&b.task).then(b.accuracy.value.total_cmp(&a.accuracy.value)));
    rows
}

/// Records in groups whose members are all `alike` the first, in their order.
pub(super) fn groups<'a, R>(
    records: impl IntoIterator<Item = &'a R>,
    alike: impl Fn(&R, &R) -> bool,
) -> Vec<Vec<&'a R>> {
    let mut groups: Vec<Vec<&R>> = Vec::new();
    for record in records {
        match groups.iter_mut().find(|g| alike(g[0], record)) {
            Some(group) => group.push(record),
            None => groups.push(vec![record]),
        }
    }
    groups
}

/// Whether two runs differ in learning rate and seed alone.
fn alike(a: &Made, b: &Made) -> bool {
    Made { learning_rate: a.learning_rate, seed: a.seed, ..b.clone() } == *a
}

fn row(group: &[&Record]) -> Recall {
    let mut rates: Vec<f64> = group.iter().map(|r| r.made.learning_rate).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    let of = |rate: f64| group.iter().copied().filter(move |r| r.made.learning_rate == rate);
    let mean = |rate: f64, of_one: fn(&Record) -> f64| of(rate).map(of_one).sum::<f64>() / of(rate).count() as f64;
    // By validation: accuracy, and where that is the same, loss.
    let better = |a: &f64, b: &f64| {
        let accuracy = |rate: f64| mean(rate, |r| r.validated().0);
        let loss = |rate: f64| mean(rate, |r| r.validated().1);
        accuracy(*a).total_cmp(&accuracy(*b)).then(loss(*b).total_cmp(&loss(*a)))
    };
    let best = rates.iter().copied().max_by(better).unwrap_or_default();
    let runs: Vec<&Record> = of(best).collect();
    let right = |r: &Record| (r.accuracy.value * r.accuracy.n as f64).round() as usize;
    let accuracies = || runs.iter().map(|r| r.accuracy.value);
    let first = runs[0];
    let made = &first.made;
    Recall {
        task: described(made),
        mixers: made.mixers.clone(),
        parameters: first.parameters,
        state_bytes: first.state_bytes,
        learning_rate: best,
        learning_rates: rates.len(),
        seeds: runs.len(),
        accuracy: Estimate::proportion(runs.iter().map(|r| right(r)).sum(), runs.iter().map(|r| r.accuracy.n).sum()),
        lowest_seed: accuracies().fold(f64::INFINITY, f64::min),
        highest_seed: accuracies().fold(f64::NEG_INFINITY, f64::max),
        chance: first.chance,
        loss: runs.iter().map(|r| r.loss).sum::<Option<f64>>().map(|sum| sum / runs.len() as f64),
        most_steps: runs.iter().map(|r| r.steps).max().unwrap_or_default(),
    }
}

/// What was asked, of which models, in a line.
fn described(made: &Made) -> String {
    let task = &made.settings.task;
    let sizes = serde_json::to_value(task).unwrap_or_default();
    let sizes: Vec<String> = sizes
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| *key != "name")
        .map(|(key, value)| format!("{} {value}", key.replace('_', " ")))
        .collect();
    let Made { width, layers, batch, steps, .. } = made;
    format!(
        "{}, {}; {} training items; width {width}, {layers} layers; at most {steps} steps of {batch} items",
        task.name(),
        sizes.join(", "),
        made.settings.train
    )
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;

    #[test]
    fn the_rate_is_chosen_by_validation_and_seeds_are_pooled() {
        let mut spoiled = record("lstm", 3e-3, 1, 60);
        // Better on the test items alone: not chosen.
        spoiled.curve[0].accuracy = 0.1;
        let mut diverged = record("lstm", 1e-1, 1, 0);
        (diverged.loss, diverged.curve) = (None, Vec::new());
        let records = [
            record("lstm", 1e-3, 1, 50),
            record("lstm", 1e-3, 2, 40),
            spoiled,
            diverged.clone(),
            record("attention", 1e-3, 1, 99),
        ];
        let rows = standings(&records);
        assert_eq!(rows.iter().map(|r| r.mixers.as_str()).collect::<Vec<_>>(), ["attention", "lstm"]);
        let lstm = &rows[1];
        assert_eq!((lstm.learning_rate, lstm.learning_rates, lstm.seeds), (1e-3, 3, 2));
        assert_eq!((lstm.accuracy.value, lstm.accuracy.n), (0.45, 200));
        assert_eq!((lstm.lowest_seed, lstm.highest_seed), (0.4, 0.5));
        assert!((lstm.loss.unwrap() - 0.55).abs() < 1e-12);
        // A run of another length is not the same comparison.
        let mut longer = record("attention", 1e-3, 1, 99);
        longer.made.steps = 200;
        assert_eq!(standings(&[records[4].clone(), longer]).len(), 2);
        assert_eq!(standings(&[diverged])[0].loss, None);
        assert!(standings(&[]).is_empty());
    }
}
