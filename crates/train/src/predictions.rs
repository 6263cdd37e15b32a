//! What does a vector model say of items? A prediction for each target, item by item.

use bantam_data::packing::{Batch, Example};
use bantam_model::VectorModel;
use burn::module::Module;
use burn::tensor::Device;

use crate::objective::Inputs;

/// The predictions of each item's targets, one after the other; items are packed into batches of at most `batch_tokens`.
pub fn predictions(model: &VectorModel, examples: &[Example], batch_tokens: usize) -> Vec<Vec<f32>> {
    let model = model.clone().valid();
    let device = model.devices().into_iter().next().unwrap_or_else(Device::flex);
    let size = model.vectors().size();
    let mut counts = examples.iter().map(|e| e.targets().count());
    let mut all = Vec::with_capacity(examples.len());
    for batch in Batch::all(examples, batch_tokens) {
        let Inputs { tokens, context, targets, .. } = &Inputs::new(&batch, &device);
        let hidden = model.hidden(tokens.clone(), context);
        let predicted = model.target_predictions_of(hidden, tokens.clone(), context, targets);
        let values: Vec<f32> = predicted.inner().into_data().try_into_vec().expect("predictions are f32");
        let mut left = &values[..];
        for count in counts.by_ref().take(batch.spans.len()) {
            let (own, rest) = left.split_at(count * size);
            all.push(own.to_vec());
            left = rest;
        }
    }
    all
}
