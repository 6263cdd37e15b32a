//! Broken and lying files: each is refused in one line that names it; none panics or takes memory by its word.
