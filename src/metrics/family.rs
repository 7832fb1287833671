//! A metric family under construction: name, help, and a sample for each set of labels.

use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};

use super::real;
use crate::measure::Reading;

/// What grows, or goes up and down, or falls between bounds.
pub(super) struct Family(MetricFamily);

pub(super) fn counter(name: &str, help: &str) -> Family {
    Family::new(name, help, MetricType::COUNTER)
}

pub(super) fn gauge(name: &str, help: &str) -> Family {
    Family::new(name, help, MetricType::GAUGE)
}

/// The bounds of a reading are in other units than what is published: this many of them to one.
pub(super) const NANOS: f64 = 1e9;
pub(super) const ONES: f64 = 1.0;

pub(super) fn histogram(name: &str, help: &str) -> Family {
    Family::new(name, help, MetricType::HISTOGRAM)
}

impl Family {
    fn new(name: &str, help: &str, of: MetricType) -> Self {
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(help.to_owned());
        family.set_field_type(of);
        Self(family)
    }

    /// Adds a value of a counter or a gauge.
    pub(super) fn with(self, labels: &[(&str, &str)], value: f64) -> Self {
        let mut metric = labelled(labels);
        if self.0.get_field_type() == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        self.and(metric)
    }

    /// Adds what a histogram holds; `per` of its units are one of those that are published.
    pub(super) fn holding(self, labels: &[(&str, &str)], reading: &Reading, per: f64) -> Self {
        let mut histogram = Histogram::default();
        histogram.set_sample_count(reading.count);
        histogram.set_sample_sum(real(reading.sum) / per);
        let buckets = reading.up_to.iter().map(|&(bound, count)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(real(bound) / per);
            bucket.set_cumulative_count(count);
            bucket
        });
        histogram.set_bucket(buckets.collect());
        let mut metric = labelled(labels);
        metric.set_histogram(histogram);
        self.and(metric)
    }

    fn and(mut self, metric: Metric) -> Self {
        let mut metrics = self.0.take_metric();
        metrics.push(metric);
        self.0.set_metric(metrics);
        self
    }

    pub(super) fn done(self) -> MetricFamily {
        self.0
    }
}

fn labelled(labels: &[(&str, &str)]) -> Metric {
    let pair = |&(name, value): &(&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value.to_owned());
        pair
    };
    Metric::from_label(labels.iter().map(pair).collect())
}
