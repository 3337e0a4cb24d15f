//! One supervisor per running local step.
