//! Random numbers that are the same for a seed on every machine and in every version.
//!
//! The generator is SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
//! 2014). A library's generator may change with its version; a search that was reproducible would
//! not be any more. It is not for secrets.

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The stream of a seed and the number of a trial; streams of different trials are independent.
    #[must_use]
    pub fn of(seed: u64, trial: u64) -> Self {
        let mut first = Self { state: seed };
        let mixed = first.bits() ^ trial.wrapping_mul(0xA24B_AED4_963E_E407);
        Self { state: mixed }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number from 0 up to but not 1, uniform: the upper 53 bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number from 0 up to but not `bound`, which is at least 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The high half of a product; its bias is below 2^-32 for the bounds that occur.
        let product = u128::from(self.bits()) * u128::from(bound.max(1));
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// A number of the standard normal distribution (Box and Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_are_those_of_the_paper() {
        let mut stream = Random { state: 1_234_567 };
        let first: Vec<u64> = (0..3).map(|_| stream.bits()).collect();
        let known = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!(first, known);
    }

    #[test]
    fn numbers_lie_where_they_should_with_the_mean_they_should_have() {
        let mut stream = Random::of(7, 3);
        let count = 20_000;
        let units: Vec<f64> = (0..count).map(|_| stream.unit()).collect();
        assert!(units.iter().all(|unit| (0.0..1.0).contains(unit)));
        let mean = units.iter().sum::<f64>() / f64::from(count);
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        let normals: Vec<f64> = (0..count).map(|_| stream.normal()).collect();
        let mean = normals.iter().sum::<f64>() / f64::from(count);
        let variance = normals.iter().map(|x| x * x).sum::<f64>() / f64::from(count);
        assert!(
            mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05,
            "{mean} {variance}"
        );
        assert!((0..count).all(|_| stream.below(3) < 3));
    }

    #[test]
    fn a_trial_draws_the_same_whatever_came_before() {
        let draw = |trial| Random::of(1, trial).unit().to_bits();
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
    }
}
