//! How a run ends other than after its last step: stopped early, averaged, exploded, or caught with too good a loss.

mod setup;

use bantam_train::{Checkpoint, TrainConfig, Weights, final_weights, latest};
use setup::{Recorder, config, resumes_exactly, run, run_on, weights_of};

#[test]
fn early_stopping_ends_with_the_best_weights() {
    let dir = tempfile::tempdir().unwrap();
    // A rate that soon makes things worse, and validations often enough to see it.
    let config = TrainConfig {
        steps: 200,
        learning_rate: 0.1,
        warmup_steps: 60,
        validate_every: 4,
        checkpoint_every: 50,
        patience: 3,
        explosion: 0.0,
        ..config()
    };
    let mut recorder = Recorder::default();
    let outcome = run(&config, dir.path(), false, &mut recorder).unwrap();
    let Weights::Best(best) = outcome.weights else { panic!("{:?} after {}", outcome.weights, outcome.steps) };
    assert!(outcome.steps < 200 && !outcome.stopped);
    assert_eq!(best + 3 * 4, outcome.steps);
    let (last, during) = recorder.validations.split_last().unwrap();
    let lowest = during.iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    assert_eq!((lowest.0, lowest.1), (best, last.1));
    assert_eq!((last.0, last.2), (outcome.steps, Weights::Best(best)));
    assert_eq!(final_weights(dir.path()).unwrap().unwrap().len(), weights_of(&outcome).len());
    let saved = Checkpoint::read(&dir.path().join(format!("step-{best:08}"))).unwrap();
    assert_eq!(sorted(saved.weights), sorted(weights_of(&outcome)));
    // Resumed after its end it is still at its end.
    let again = run(&config, dir.path(), true, &mut Recorder::default()).unwrap();
    assert_eq!((weights_of(&again), again.weights), (weights_of(&outcome), outcome.weights));
}

fn sorted(mut tensors: Vec<bantam_model::weights::NamedTensor>) -> Vec<bantam_model::weights::NamedTensor> {
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    tensors
}

#[test]
fn averaging_ends_with_the_mean_of_the_last_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    let config = TrainConfig { average: 3, checkpoint_every: 4, ..config() };
    let mut recorder = Recorder::default();
    let outcome = run(&config, dir.path(), false, &mut recorder).unwrap();
    assert_eq!(outcome.weights, Weights::Average(3));
    let saved = [8, 12, 14].map(|s| Checkpoint::read(&dir.path().join(format!("step-{s:08}"))).unwrap().weights);
    for (name, _, values) in weights_of(&outcome) {
        let of = |i: usize| &saved[i].iter().find(|t| t.0 == name).unwrap().2;
        for (i, value) in values.iter().enumerate() {
            let mean = (0..3).map(|c| f64::from(of(c)[i])).sum::<f64>() / 3.0;
            assert!((f64::from(*value) - mean).abs() < 1e-7, "{name}");
        }
    }
    assert_eq!(recorder.validations.last().unwrap().2, Weights::Average(3));
    assert_eq!(sorted(final_weights(dir.path()).unwrap().unwrap()), sorted(weights_of(&outcome)));
}

#[test]
fn resuming_is_exact_with_averaging_and_early_stopping() {
    resumes_exactly(&TrainConfig { average: 3, ..config() });
    resumes_exactly(&TrainConfig { patience: 2, validate_every: 4, learning_rate: 0.05, ..config() });
}

#[test]
fn an_exploding_loss_stops_the_run_and_the_last_good_checkpoint_stays() {
    let dir = tempfile::tempdir().unwrap();
    let config = TrainConfig {
        steps: 400,
        learning_rate: 3.0,
        warmup_steps: 400,
        decay_fraction: 0.0,
        checkpoint_every: 2,
        weight_decay: 0.0,
        explosion: 1.4,
        phases: config().phases[1..].to_vec(),
        ..config()
    };
    let mut recorder = Recorder::default();
    let e = run(&config, dir.path(), false, &mut recorder).unwrap_err();
    assert_eq!(e.exit_code(), 1);
    assert!(e.to_string().contains("the loss exploded"), "{e}");
    let ended = recorder.losses.len();
    let kept = Checkpoint::read(&latest(dir.path()).unwrap().unwrap()).unwrap().steps as usize;
    let mean = |to: usize| recorder.losses[to - 20..to].iter().sum::<f64>() / 20.0;
    assert!(kept + 2 <= ended && mean(kept) < mean(ended) - 0.3, "{kept} {} {ended} {}", mean(kept), mean(ended));
}

#[test]
fn a_loss_too_good_to_be_true_is_explained_or_stops_the_run() {
    let dir = tempfile::tempdir().unwrap();
    // The validation items are training items, which counting trigrams profits from as well: ask early.
    let config = TrainConfig {
        steps: 300,
        learning_rate: 5e-3,
        validate_every: 20,
        plausibility: 0.9,
        checkpoint_every: 0,
        ..config()
    };
    let e = run(&config, &dir.path().join("a"), false, &mut Recorder::default()).unwrap_err();
    assert!(e.exit_code() == 1 && e.to_string().contains("100.0 % of the validation items"), "{e}");
    // The same loss on items that training has not seen is believed.
    let mut recorder = Recorder::default();
    run_on(&config, &dir.path().join("b"), &mut recorder, &[(12..60, 1.0)], 0..12, |_| ()).unwrap();
    let explained = recorder.explained.unwrap();
    assert!((explained.packed_loss - explained.prefix_loss).abs() < 1e-5 && explained.overlap == 0.0, "{explained:?}");
}
