//! Number formats of weights on disk: how a row of f32 becomes bytes and back.
