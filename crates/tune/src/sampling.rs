//! Where the values of the next trial come from.

use crate::space::{Space, Values};

/// How the values of a trial are chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Sampling {
    /// Each trial draws from the space.
    Random(Space),
    /// Every point once, in order.
    Grid(Space),
    /// A model suggests values by what the trials before came to; asked for by [`Effect::Suggest`](crate::Effect::Suggest).
    Bayesian(Space),
}

/// The values of a trial that is about to be begun.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Chosen {
    /// These.
    Known(Values),
    /// Those that the model suggests when it is asked.
    Asked,
    /// None: everything was tried.
    Exhausted,
}

impl Sampling {
    /// The values of the trial of a number; the same for equal arguments.
    pub(crate) fn choose(&self, seed: u64, number: u64) -> Chosen {
        match self {
            Self::Random(space) => Chosen::Known(space.draw(seed, number)),
            Self::Grid(space) => space
                .grid_point(number)
                .map_or(Chosen::Exhausted, Chosen::Known),
            Self::Bayesian(_) => Chosen::Asked,
        }
    }
}
