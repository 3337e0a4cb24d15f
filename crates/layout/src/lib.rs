//! Deterministic layered layout of a pipeline graph, as coordinates, SVG and text.
