//! How mixers make and declare their parameters: short forms of [`Param`] and [`ParameterGroup`].

use burn::module::Param;
use burn::tensor::{Device, Tensor};

use super::{Initialization, ParameterGroup};

/// Zeros, to be loaded or started.
pub(crate) fn zeros<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::zeros(shape, device))
}

/// A matrix of a linear map: it decays.
pub(crate) fn matrix(path: &str) -> ParameterGroup {
    with(path, true, Initialization::Normal(0.02))
}

/// A parameter that does not decay.
pub(crate) fn fixed_rate(path: &str, initialization: Initialization) -> ParameterGroup {
    with(path, false, initialization)
}

/// Values that are saved with the model and never change.
pub(super) fn constant(path: &str, initialization: Initialization) -> ParameterGroup {
    ParameterGroup { learning_rate_scale: 0.0, ..with(path, false, initialization) }
}

pub(super) fn with(path: &str, decays: bool, initialization: Initialization) -> ParameterGroup {
    ParameterGroup { path: path.to_owned(), learning_rate_scale: 1.0, decays, initialization }
}
