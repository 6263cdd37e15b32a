//! Vector ports: how vectors enter a backbone and how it answers with one.

use bantam_formats::VectorConfig;
use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::block::Norm;
use crate::context::Precision;
use crate::linear::Linear;

/// What a domain code does to the input: scales and shifts its features (feature-wise linear modulation, Perez et al. 2018).
#[derive(Module, Debug)]
pub struct Modulation {
    /// What the scale differs from 1 by, `[domains, width]`.
    pub scale: Param<Tensor<2>>,
    /// `[domains, width]`.
    pub shift: Param<Tensor<2>>,
}

impl Modulation {
    fn new(domains: usize, width: usize, device: &Device) -> Self {
        let zeros = || Param::from_tensor(Tensor::zeros([domains, width], device));
        Self { scale: zeros(), shift: zeros() }
    }

    /// `[rows, width]`, with a code for each row.
    fn forward(&self, x: Tensor<2>, codes: &[u32]) -> Tensor<2> {
        let codes: Vec<i32> = codes.iter().map(|&c| c as i32).collect();
        let n = codes.len();
        let codes = Tensor::<1, Int>::from_data(TensorData::new(codes, [n]), &x.device());
        x * (self.scale.val().select(0, codes.clone()) + 1.0) + self.shift.val().select(0, codes)
    }
}

/// The median and the interquartile range of each component, which are given and not learned.
#[derive(Module, Debug)]
pub struct RobustScaler {
    /// `[size]`.
    pub median: Param<Tensor<1>>,
    /// `[size]`.
    pub spread: Param<Tensor<1>>,
}

impl RobustScaler {
    fn new(size: usize, device: &Device) -> Self {
        let parameter = |value: f32| Param::from_tensor(Tensor::full([size], value, device));
        Self { median: parameter(0.0), spread: parameter(1.0) }
    }

    /// `(x - median) / spread`, `[rows, size]`.
    pub fn normalized(&self, x: Tensor<2>) -> Tensor<2> {
        (x - self.median.val().detach().unsqueeze()) / self.spread.val().detach().unsqueeze()
    }

    /// The reverse.
    pub fn restored(&self, x: Tensor<2>) -> Tensor<2> {
        x * self.spread.val().detach().unsqueeze() + self.median.val().detach().unsqueeze()
    }
}

/// Norm or scaler, linear map and modulation.
#[derive(Module, Debug)]
pub struct VectorInPort {
    norm: Option<Norm>,
    /// Where the ports are a concept model's.
    pub scaler: Option<RobustScaler>,
    projection: Linear,
    domain: Option<Modulation>,
}

impl VectorInPort {
    /// Maps of zeros.
    pub fn new(config: &VectorConfig, device: &Device) -> Self {
        let (size, width) = (config.vector_size, config.blocks.hidden_size);
        let is_scaled = config.ports.is_scaled();
        Self {
            norm: (!is_scaled).then(|| Norm::rms(size, config.blocks.rms_norm_eps, device)),
            scaler: is_scaled.then(|| RobustScaler::new(size, device)),
            projection: Linear::zeros(size, width, true, device),
            domain: (config.domains > 0).then(|| Modulation::new(config.domains, width, device)),
        }
    }

    /// `[rows, size] -> [rows, width]`. `codes` has a domain code for each row where the model knows domains.
    ///
    /// # Panics
    /// If the model knows domains and there is no code for each row.
    pub fn forward(&self, x: Tensor<2>, codes: &[u32], precision: Precision) -> Tensor<2> {
        let x = match (&self.norm, &self.scaler) {
            (Some(norm), _) => norm.forward(x),
            (None, Some(scaler)) => scaler.normalized(x),
            (None, None) => x,
        };
        let rows = x.dims()[0];
        let x = self.projection.forward(x, precision);
        match &self.domain {
            Some(domain) => {
                assert_eq!(codes.len(), rows, "a domain code for each row");
                domain.forward(x, codes)
            }
            None => x,
        }
    }

    /// Whether gradients are taken of the linear map.
    pub fn is_trained(&self) -> bool {
        self.projection.weight.val().is_require_grad()
    }
}

/// Final norm and linear map.
#[derive(Module, Debug)]
pub struct VectorOutPort {
    norm: Norm,
    projection: Linear,
}

impl VectorOutPort {
    /// A map of zeros.
    pub fn new(config: &VectorConfig, device: &Device) -> Self {
        let (size, width) = (config.vector_size, config.blocks.hidden_size);
        Self {
            norm: Norm::rms(width, config.blocks.rms_norm_eps, device),
            projection: Linear::zeros(width, size, true, device),
        }
    }

    /// `[rows, width] -> [rows, size]`: added to `base`, or turned back by `scaler`, where there is one.
    pub fn forward(
        &self,
        x: Tensor<2>,
        base: Option<Tensor<2>>,
        scaler: Option<&RobustScaler>,
        precision: Precision,
    ) -> Tensor<2> {
        let y = self.projection.forward(self.norm.forward(x), precision);
        match (base, scaler) {
            (Some(base), _) => base + y,
            (None, Some(scaler)) => scaler.restored(y),
            (None, None) => y,
        }
    }
}
