use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A number that only grows.
#[derive(Debug)]
pub(crate) struct Counter(AtomicU64);

/// How long things took: how many took at most so long, for each of [`BOUNDS`].
#[derive(Debug)]
pub(crate) struct Histogram {
    /// Those between a bound and the one before; the last has no bound.
    buckets: [Counter; BOUNDS.len() + 1],
    nanos: Counter,
}

/// Observes, when it is dropped, how long it was there.
#[derive(Debug)]
pub(crate) struct Timed<'h> {
    histogram: &'h Histogram,
    begun: Instant,
}

/// The upper bounds of the buckets, with the text that Prometheus shows.
pub(super) const BOUNDS: [(Duration, &str); 17] = [
    (Duration::from_micros(10), "0.00001"),
    (Duration::from_micros(25), "0.000025"),
    (Duration::from_micros(50), "0.00005"),
    (Duration::from_micros(100), "0.0001"),
    (Duration::from_micros(250), "0.00025"),
    (Duration::from_micros(500), "0.0005"),
    (Duration::from_millis(1), "0.001"),
    (Duration::from_micros(2500), "0.0025"),
    (Duration::from_millis(5), "0.005"),
    (Duration::from_millis(10), "0.01"),
    (Duration::from_millis(25), "0.025"),
    (Duration::from_millis(100), "0.1"),
    (Duration::from_millis(500), "0.5"),
    (Duration::from_secs(1), "1"),
    (Duration::from_secs(5), "5"),
    (Duration::from_secs(30), "30"),
    (Duration::from_mins(5), "300"),
];

// === impl Counter ===

impl Counter {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

// === impl Histogram ===

impl Histogram {
    pub(crate) fn observe(&self, took: Duration) {
        let place = BOUNDS.partition_point(|(bound, _)| *bound < took);
        if let Some(bucket) = self.buckets.get(place) {
            bucket.add(1);
        }
        self.nanos
            .add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Until what is returned is dropped.
    pub(crate) fn time(&self) -> Timed<'_> {
        Timed {
            histogram: self,
            begun: Instant::now(),
        }
    }

    /// How many took at most so long, for each bound, and in the end all.
    pub(super) fn cumulative(&self) -> [u64; BOUNDS.len() + 1] {
        let mut sum: u64 = 0;
        std::array::from_fn(|place| {
            let here = self.buckets.get(place).map_or(0, Counter::get);
            sum = sum.saturating_add(here);
            sum
        })
    }

    /// All of it, in seconds.
    pub(super) fn total(&self) -> f64 {
        Duration::from_nanos(self.nanos.get()).as_secs_f64()
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: [const { Counter::new() }; BOUNDS.len() + 1],
            nanos: Counter::new(),
        }
    }
}

// === impl Timed ===

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        self.histogram.observe(self.begun.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_part_of_its_bucket() {
        let histogram = Histogram::default();
        for micros in [0, 10, 11, 1_000, 300_000_000, 300_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let counts = histogram.cumulative();
        assert_eq!(counts[..3], [2, 3, 3]);
        assert_eq!(counts[6], 4);
        assert_eq!(counts[BOUNDS.len() - 1..], [5, 6]);
        assert!((histogram.total() - 600.001_022).abs() < 1e-6);
    }

    #[test]
    fn bounds_grow_and_are_written_as_what_they_are() {
        assert!(BOUNDS.is_sorted_by(|one, next| one.0 < next.0));
        for (bound, written) in BOUNDS {
            let read: f64 = written.parse().unwrap();
            assert_eq!(Duration::from_secs_f64(read), bound, "{written}");
        }
    }
}
