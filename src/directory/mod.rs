//! Whereabouts, pure: the bootstrap list of verified nodes.
