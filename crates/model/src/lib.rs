//! Token models and vector models as Burn modules: ports, blocks and the mixer zoo in their differentiable, parallel form.
//!
//! `InPort -> Block x L -> OutPort`; a block is norm, mixer, residual, norm, feed-forward, residual. What steps token
//! by token lives in `bantam-runtime`, which never sees Burn; both read the same weights by the same names.

pub mod adapters;
mod backbone;
mod block;
mod channel_mix;
pub mod context;
pub mod diffusion;
pub mod dropout;
mod feed_forward;
pub mod growth;
mod linear;
pub mod mixers;
pub mod ops;
pub mod ports;
mod token_model;
mod vector_model;
pub mod vector_ports;
pub mod vectors;
pub mod weights;

pub use backbone::Backbone;
pub use block::{Block, BlockState};
pub use channel_mix::ChannelMix;
pub use context::SequenceContext;
pub use feed_forward::FeedForward;
pub use linear::Linear;
pub use token_model::TokenModel;
pub use vector_model::{VectorModel, VectorState};
