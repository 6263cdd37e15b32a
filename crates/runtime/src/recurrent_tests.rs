//! A model with a mixer that cannot forget: whatever takes tokens back has to work from a fork, and batches sequence by sequence.

use std::ops::ControlFlow;
use std::time::Duration;

use bantam_core::Result;
use bantam_formats::ModelConfig;

use crate::measure::Clock;
use crate::mixers::{Lanes, Mixer, MixerState, Scratch, StepContext};
use crate::random_model::{llama, tensors, tokenizer, tokens};
use crate::{
    Batch, DraftModel, GenerateOptions, Generation, Generator, LoadOptions, Model, SamplingOptions, Session,
    Speculation, continuation_log_probabilities,
};

/// `state = 0.8 state + x`, and the output is the state.
struct Leaky(usize);

#[derive(Clone)]
struct Sum(Vec<f32>);

impl Mixer for Leaky {
    type State = Sum;

    fn new_state(&self) -> Sum {
        Sum(vec![0.0; self.0])
    }

    fn forward(
        &self,
        _: &StepContext<'_>,
        x: &[f32],
        lanes: &mut Lanes<'_, '_, Sum>,
        _: &mut Scratch,
        out: &mut [f32],
    ) {
        lanes.each(|lane| {
            for row in lane.rows() {
                let place = row * self.0..(row + 1) * self.0;
                for ((sum, x), out) in lane.state.0.iter_mut().zip(&x[place.clone()]).zip(&mut out[place]) {
                    *sum = 0.8 * *sum + x;
                    *out = *sum;
                }
            }
        });
    }

    fn weight_bytes(&self) -> usize {
        0
    }
}

impl MixerState for Sum {
    fn state_bytes(&self) -> usize {
        self.0.len() * 4
    }

    fn reserve(&mut self, _: usize) {}

    fn save(&self, out: &mut Vec<u8>) {
        out.extend(self.0.iter().flat_map(|v| v.to_le_bytes()));
    }

    fn load(&mut self, _: usize, _: &mut &[u8]) -> Result<()> {
        Ok(())
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

/// A random model whose first layer is [`Leaky`] and whose second is attention.
fn recurrent(seed: u64) -> Model {
    let config = ModelConfig { vocab_size: 410, ..llama() };
    let mut model =
        Model::from_tensors(&config, &tensors(&config, seed), LoadOptions { threads: 1, ..Default::default() })
            .unwrap();
    model.blocks[0].mixer = Box::new(Leaky(config.hidden_size));
    model
}

#[test]
fn a_state_that_cannot_go_back_says_so_and_nothing_changes() {
    let model = recurrent(1);
    let mut session = Session::new(&model);
    session.prefill(&[5, 6, 7]).unwrap();
    let before = session.save_state();
    assert!(!session.can_truncate(2) && !session.truncate(2));
    assert!(session.truncate(3));
    assert!(session.position() == 3 && session.save_state() == before);
}

#[test]
fn speculation_takes_wrong_guesses_back_by_a_fork() {
    let (tokenizer, _) = tokenizer();
    let (model, other) = (recurrent(1), recurrent(2));
    let draft = DraftModel::new(&other, &tokenizer, &tokenizer).unwrap();
    let itself = DraftModel::new(&model, &tokenizer, &tokenizer).unwrap();
    let write = |prompt: &[u32], options: &GenerateOptions, speculation| -> Generation {
        let mut session = Session::new(&model);
        let generator = Generator::new(&tokenizer, options).speculation(speculation);
        let made = generator.run(&mut session, prompt, &mut |_| ControlFlow::Continue(()), &Still).unwrap();
        let mut fresh = Session::new(&model);
        fresh.prefill(&[prompt, &made.tokens].concat()[..session.position()]).unwrap();
        assert!(session.save_state() == fresh.save_state());
        made
    };
    let (mut right, mut wrong) = (0, 0);
    for seed in 0..30 {
        let prompt = tokens(model.config(), 12, seed);
        let temperature = if seed % 2 == 0 { 0.0 } else { 0.8 };
        let sampling = SamplingOptions { temperature, seed, ..Default::default() };
        let log_probabilities = (seed % 5 == 0).then_some(1);
        let options = GenerateOptions { sampling, log_probabilities, ..GenerateOptions::greedy(40, &[0]) };
        let plain = write(&prompt, &options, Speculation::Off);
        for speculation in [Speculation::PromptLookup, Speculation::Draft(&draft), Speculation::Draft(&itself)] {
            let made = write(&prompt, &options, speculation);
            assert_eq!((made.tokens, made.log_probabilities), (plain.tokens.clone(), plain.log_probabilities.clone()));
            right += made.speculation.accepted;
            wrong += made.speculation.proposed - made.speculation.accepted;
        }
    }
    assert!(right > 200 && wrong > 200, "{right} {wrong}");
}

#[test]
fn continuations_are_weighed_as_if_each_were_read_alone() {
    let model = recurrent(1);
    let prompt = [5, 6, 7];
    let continuations = [vec![8], vec![8, 9], vec![], vec![9, 8, 10]];
    let ends = [0, 3, 9_999];
    for ended in [None, Some(&ends[..])] {
        let mut session = Session::new(&model);
        let logits = session.prefill(&prompt).unwrap().to_vec();
        let before = session.save_state();
        let found = continuation_log_probabilities(&mut session, &logits, &continuations, ended).unwrap();
        assert!(session.save_state() == before);
        for (tokens, found) in continuations.iter().zip(found) {
            let rows = Session::new(&model).prefill_all(&[&prompt[..], tokens].concat()).unwrap();
            let p = |row: usize, token: u32| {
                let row: Vec<f64> = rows[row * 410..][..410].iter().map(|l| f64::from(*l).exp()).collect();
                row[token as usize] / row.iter().sum::<f64>()
            };
            let mut expected: f64 = tokens.iter().enumerate().map(|(i, token)| p(2 + i, *token).ln()).sum();
            if ended.is_some() {
                expected += (p(2 + tokens.len(), 0) + p(2 + tokens.len(), 3)).ln();
            }
            assert!((found - expected).abs() < 1e-5, "{tokens:?} {ended:?}: {found} {expected}");
        }
    }
    let mut session = Session::new(&model);
    let logits = session.prefill(&prompt).unwrap().to_vec();
    let e = continuation_log_probabilities(&mut session, &logits, &[vec![8, 410]], None).unwrap_err();
    assert!(e.exit_code() == 2 && e.to_string().contains("410"), "{e}");
    let damaged = vec![f32::NAN; 410];
    assert_eq!(continuation_log_probabilities(&mut session, &damaged, &[vec![8]], None).unwrap_err().exit_code(), 2);
}

#[test]
fn a_recurrent_mixer_runs_in_batches() {
    let model = recurrent(1);
    let mut batch = Batch::new(&model);
    let mut alone: Vec<Session<'_>> = (0..3).map(|_| Session::new(&model)).collect();
    let ids: Vec<_> = (0..3).map(|_| batch.join(Session::new(&model)).unwrap()).collect();
    for step in 0..6u64 {
        let given: Vec<Vec<u32>> = (0..3).map(|i| tokens(model.config(), 1 + (step as usize + i) % 3, step)).collect();
        let parts: Vec<_> = ids.iter().zip(&given).map(|(id, tokens)| (*id, tokens.as_slice())).collect();
        let rows = batch.read(&parts).unwrap();
        for ((row, session), tokens) in rows.chunks(410).zip(&mut alone).zip(&given) {
            assert!(session.prefill(tokens).unwrap() == row);
        }
    }
}
