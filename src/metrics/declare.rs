//! Declaring a family: its series for Prometheus, and its words for people, in one place.

use prometheus::{
    CounterVec, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec,
    Opts, Registry,
};
use std::cell::RefCell;

/// A family in words. The table of `docs/metrics.md` is made of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What the exposition says of it: one sentence of plain text.
    pub help: &'static str,
    /// What the documentation says beyond that, in Markdown.
    pub more: &'static str,
    /// Its unit, where the name does not end with it.
    unit: &'static str,
    /// When it is not there.
    pub absent: &'static str,
}

/// What `name` means, which is there from the first scrape on.
pub(super) const fn family(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Family {
    Family { name, labels, help, more: "", unit: "–", absent: "never" }
}

impl Family {
    /// Says more of it to those who read the documentation.
    pub(super) const fn more(self, more: &'static str) -> Self {
        Self { more, ..self }
    }

    /// It is 1 or 0.
    pub(super) const fn flag(self) -> Self {
        Self { unit: "1/0", ..self }
    }

    /// It is a share.
    pub(super) const fn share(self) -> Self {
        Self { unit: "0–1", ..self }
    }

    /// It is not there at these times.
    pub(super) const fn absent(self, absent: &'static str) -> Self {
        Self { absent, ..self }
    }

    /// Its unit, as the documentation writes it.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        let name = self.name.strip_suffix("_total").unwrap_or(self.name);
        if name.ends_with("_timestamp_seconds") || name.ends_with("_time_seconds") {
            "Unix s"
        } else if name.ends_with("_seconds") {
            "s"
        } else if name.ends_with("_bytes") {
            "bytes"
        } else {
            self.unit
        }
    }
}

/// A family as it was declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The heading of the documentation under which it stands.
    pub section: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its words.
    pub family: Family,
}

/// Registers families; the first error is kept, since a bad declaration is a defect found by any test.
pub(super) struct Declare<'a> {
    registry: &'a Registry,
    declared: &'a RefCell<Vec<Declared>>,
    section: &'static str,
}

impl<'a> Declare<'a> {
    pub(super) fn new(registry: &'a Registry, declared: &'a RefCell<Vec<Declared>>) -> Self {
        Self { registry, declared, section: "" }
    }

    /// The same, for families under another heading.
    pub(super) fn under(&self, section: &'static str) -> Self {
        Self { registry: self.registry, declared: self.declared, section }
    }

    fn add<C: prometheus::core::Collector + Clone + 'static>(
        &self,
        kind: &'static str,
        family: Family,
        collector: prometheus::Result<C>,
    ) -> prometheus::Result<C> {
        let collector = collector?;
        self.registry.register(Box::new(collector.clone()))?;
        self.declared.borrow_mut().push(Declared { section: self.section, kind, family });
        Ok(collector)
    }

    pub(super) fn counter(&self, family: Family) -> prometheus::Result<IntCounterVec> {
        let counter = IntCounterVec::new(Opts::new(family.name, family.help), family.labels);
        self.add("counter", family, counter)
    }

    /// A counter without labels.
    pub(super) fn plain_counter(&self, family: Family) -> prometheus::Result<IntCounter> {
        self.add("counter", family, IntCounter::new(family.name, family.help))
    }

    /// A counter of parts of a whole, such as seconds.
    pub(super) fn fine_counter(&self, family: Family) -> prometheus::Result<CounterVec> {
        let counter = CounterVec::new(Opts::new(family.name, family.help), family.labels);
        self.add("counter", family, counter)
    }

    pub(super) fn gauge(&self, family: Family) -> prometheus::Result<GaugeVec> {
        let gauge = GaugeVec::new(Opts::new(family.name, family.help), family.labels);
        self.add("gauge", family, gauge)
    }

    pub(super) fn int_gauge(&self, family: Family) -> prometheus::Result<IntGaugeVec> {
        let gauge = IntGaugeVec::new(Opts::new(family.name, family.help), family.labels);
        self.add("gauge", family, gauge)
    }

    pub(super) fn histogram(
        &self,
        family: Family,
        buckets: &[f64],
    ) -> prometheus::Result<HistogramVec> {
        let opts = HistogramOpts::new(family.name, family.help).buckets(buckets.to_vec());
        self.add("histogram", family, HistogramVec::new(opts, family.labels))
    }
}
