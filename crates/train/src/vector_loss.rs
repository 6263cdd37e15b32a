//! What is minimized where vectors are predicted: squared error, cosine, or telling the right vector from others (InfoNCE).

use bantam_core::{Error, Result, seed};
use bantam_model::VectorModel;
use burn::tensor::{Int, Tensor, TensorData, activation};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use crate::objective::{Inputs, Objective};

/// Added to squared lengths, so that a vector of none has a direction.
const EPSILON: f32 = 1e-12;

/// Mean of the squared differences over all components, `[rows, size]` both: torch's `mse_loss`.
pub fn squared_error(predicted: Tensor<2>, wanted: Tensor<2>) -> Tensor<1> {
    (predicted - wanted).square().mean()
}

/// One less the cosine of the angle between prediction and target, in the mean over the rows.
pub fn cosine(predicted: Tensor<2>, wanted: Tensor<2>) -> Tensor<1> {
    (directions(predicted) * directions(wanted)).sum_dim(1).mean().neg() + 1.0
}

/// InfoNCE (van den Oord et al. 2018): the cross-entropy of finding each row's target among all rows' targets and `negatives`
/// (`[others, size]`), by cosines over `temperature`.
pub fn info_nce(predicted: Tensor<2>, wanted: Tensor<2>, negatives: Option<Tensor<2>>, temperature: f32) -> Tensor<1> {
    let (rows, device) = (predicted.dims()[0], predicted.device());
    let candidates = Tensor::cat([Some(wanted), negatives].into_iter().flatten().collect(), 0);
    let similarities = directions(predicted).matmul(directions(candidates).transpose()) / temperature;
    let own: Vec<i32> = (0..rows as i32).collect();
    let own = Tensor::<2, Int>::from_data(TensorData::new(own, [rows, 1]), &device);
    activation::log_softmax(similarities, 1).gather(1, own).mean().neg()
}

/// Share of the targets that a denoiser learns to tell without the context, for classifier-free guidance.
const BLIND: f64 = 0.15;

/// Every row over its length.
fn directions(x: Tensor<2>) -> Tensor<2> {
    let lengths = (x.clone().square().sum_dim(1) + EPSILON).sqrt();
    x / lengths
}

/// The losses by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LossKind {
    /// [`squared_error`].
    #[default]
    Squared,
    /// [`cosine`].
    Cosine,
    /// [`info_nce`].
    InfoNce,
    /// The squared error of a denoiser ([`VectorModel::diffusion_loss`]); for diffusion ports and no others.
    Diffusion,
}

/// What is minimized over the targets' vectors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VectorLoss {
    /// The loss.
    pub kind: LossKind,
    /// InfoNCE's temperature.
    pub temperature: f64,
    /// InfoNCE's negatives beside the other targets of the batch: so many of the first `of`, drawn anew for every batch.
    pub negatives: usize,
    /// How many vectors negatives are drawn from: those that are trained on.
    pub of: usize,
}

impl VectorLoss {
    /// A loss with the usual temperature and no further negatives.
    pub fn of(kind: LossKind) -> Self {
        Self { kind, temperature: 0.07, negatives: 0, of: 0 }
    }

    /// Checks that the values are possible; `place` names where they come from.
    ///
    /// # Errors
    /// A temperature that is not above 0.
    pub fn validate(&self, place: &str) -> Result<()> {
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            let what = format!("{} is not above 0", self.temperature);
            return Err(Error::input(format!("{place}.temperature"), what, "usual are 0.05 to 0.1"));
        }
        Ok(())
    }

    fn drawn(&self, model: &VectorModel, inputs: &Inputs, like: &Tensor<2>) -> Option<Tensor<2>> {
        if self.negatives == 0 || self.of == 0 {
            return None;
        }
        let mut rng = seed::rng(inputs.seed, "negatives");
        let numbers = (0..self.negatives).map(|_| rng.random_range(0..self.of));
        Some(model.vectors().rows(numbers, &like.device()))
    }
}

impl Objective<VectorModel> for VectorLoss {
    fn loss(&self, model: &VectorModel, hidden: Tensor<2>, inputs: &Inputs) -> Result<Tensor<1>> {
        let Inputs { tokens, context, targets, .. } = inputs;
        if self.kind == LossKind::Diffusion {
            return Ok(model.diffusion_loss(hidden, context, targets, BLIND, inputs.seed));
        }
        let predicted = model.target_predictions_of(hidden, tokens.clone(), context, targets);
        let wanted = model.wanted(targets, &predicted.device());
        Ok(match self.kind {
            LossKind::Cosine => cosine(predicted, wanted),
            LossKind::InfoNce => {
                let negatives = self.drawn(model, inputs, &predicted);
                info_nce(predicted, wanted, negatives, self.temperature as f32)
            }
            LossKind::Squared | LossKind::Diffusion => squared_error(predicted, wanted),
        })
    }

    fn identity(&self) -> String {
        format!("{self:?}")
    }
}
