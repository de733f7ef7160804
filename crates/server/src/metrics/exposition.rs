use std::fmt::Write;

use super::number::{BOUNDS, Histogram};

/// A page of metrics that is being written.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
    /// Of the metric whose samples follow.
    name: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Names with values, none of which needs escaping: they are names of methods and statuses, and
/// names of servers, which are ASCII letters, digits, `_` and `-`.
type Labels<'l> = [(&'l str, &'l str)];

// === impl Exposition ===

impl Exposition {
    /// Begins a metric, whose samples follow.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> &mut Self {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.name = name;
        self.push(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        self
    }

    pub(super) fn sample(&mut self, labels: &Labels<'_>, value: u64) {
        self.line("", labels, &value.to_string());
    }

    pub(super) fn histogram(&mut self, labels: &Labels<'_>, histogram: &Histogram) {
        let counts = histogram.cumulative();
        let bounds = BOUNDS.iter().map(|(_, written)| *written);
        for (bound, count) in bounds.chain(["+Inf"]).zip(counts) {
            let mut labels = labels.to_vec();
            labels.push(("le", bound));
            self.line("_bucket", &labels, &count.to_string());
        }
        self.line("_sum", labels, &histogram.total().to_string());
        let count = counts.last().copied().unwrap_or_default();
        self.line("_count", labels, &count.to_string());
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, suffix: &str, labels: &Labels<'_>, value: &str) {
        let name = self.name;
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        self.push(&format!("{name}{suffix}{labels} {value}\n"));
    }

    fn push(&mut self, text: &str) {
        // Writing to a `String` does not fail.
        self.text.write_str(text).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn metrics_are_written_as_prometheus_reads_them() {
        let mut out = Exposition::default();
        let counter = out.family("a_total", Kind::Counter, "What a is.");
        counter.sample(&[], 1);
        counter.sample(&[("b", "x"), ("c", "")], 2);
        let histogram = Histogram::default();
        histogram.observe(Duration::from_micros(20));
        out.family("d", Kind::Histogram, "What d is.")
            .histogram(&[("b", "x")], &histogram);
        let text = out.finish();
        let begin = "# HELP a_total What a is.\n# TYPE a_total counter\na_total 1\na_total{b=\"x\",c=\"\"} 2\n# HELP d What d is.\n# TYPE d histogram\nd_bucket{b=\"x\",le=\"0.00001\"} 0\nd_bucket{b=\"x\",le=\"0.000025\"} 1\n";
        assert!(text.starts_with(begin), "{text}");
        let end = "d_bucket{b=\"x\",le=\"+Inf\"} 1\nd_sum{b=\"x\"} 0.00002\nd_count{b=\"x\"} 1\n";
        assert!(text.ends_with(end), "{text}");
    }
}
