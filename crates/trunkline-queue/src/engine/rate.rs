//! How often something happened, in all and over the last minute.

/// A count with its rate.
#[derive(Clone, Debug)]
pub(crate) struct Rate {
    pub(crate) total: u64,
    /// How often in each of the last seconds, by the second modulo their number.
    seconds: [u32; SECONDS],
    /// The latest second that has a place.
    latest: i64,
}

const SECONDS: usize = 60;

/// The same, to calculate with times.
const SPAN: i64 = 60;

impl Rate {
    pub(crate) fn new(total: u64) -> Self {
        Self { total, seconds: [0; SECONDS], latest: 0 }
    }

    /// It happened so often, at a time in microseconds.
    pub(crate) fn count(&mut self, micros: i64, times: u32) {
        self.total += u64::from(times);
        self.move_to(micros);
        let slot = &mut self.seconds[place(self.latest)];
        *slot = slot.saturating_add(times);
    }

    /// How often a second, over the last minute.
    pub(crate) fn per_second(&mut self, micros: i64) -> f64 {
        self.move_to(micros);
        let sum: u64 = self.seconds.iter().copied().map(u64::from).sum();
        #[expect(clippy::cast_precision_loss, reason = "a rate is not exact")]
        let rate = sum as f64 / SECONDS as f64;
        rate
    }

    fn move_to(&mut self, micros: i64) {
        let second = micros.div_euclid(1_000_000);
        if second.saturating_sub(self.latest) >= SPAN {
            self.seconds = [0; SECONDS];
            self.latest = second;
        }
        while self.latest < second {
            self.latest += 1;
            self.seconds[place(self.latest)] = 0;
        }
    }
}

fn place(second: i64) -> usize {
    usize::try_from(second.rem_euclid(SPAN)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_minute() {
        let mut rate = Rate::new(5);
        rate.count(1_000_000_000, 30);
        rate.count(1_059_999_999, 30);
        assert!((rate.per_second(1_059_999_999) - 1.0).abs() < f64::EPSILON);
        assert!((rate.per_second(1_060_000_000) - 0.5).abs() < f64::EPSILON);
        assert!(rate.per_second(2_000_000_000).abs() < f64::EPSILON);
        assert_eq!(rate.total, 65);
    }
}
