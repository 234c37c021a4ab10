//! The counters, and the rates that follow from them.
//!
//! Knows nothing of records.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// One label and its value.
type Label = [(&'static str, String); 1];

/// A counter for each value of a label, and their sum.
#[derive(Debug, Default)]
struct Labelled {
    family: Family<Label, Counter>,
    all: Counter,
    /// Values that came for the first time.
    values: Counter,
}

impl Labelled {
    /// Counts one more of this value. Beyond a number of them that nobody reads, further values have no name.
    fn inc(&self, label: &'static str, value: &str) {
        self.all.inc();
        let mut set = [(label, value.to_owned())];
        if self.family.get(&set).is_none() && self.values.inc() >= LABELS {
            set = [(label, "other".to_owned())];
        }
        self.family.get_or_create(&set).inc();
    }
}

type Ratio = Gauge<f64, AtomicU64>;

/// See the module.
#[derive(Debug)]
pub(super) struct Figures {
    registry: Registry,
    pub(super) records: Counter,
    established: Counter,
    /// Attempts whose outcome is known.
    pub(super) decided: Counter,
    pub(super) timed_out: Counter,
    pub(super) ended: Counter,
    pub(super) cold_starts: Counter,
    connection_time: Histogram,
    connection_time_sum: Counter<f64, AtomicU64>,
    attempts: Labelled,
    refusals: Labelled,
    faults: Labelled,
    connections: Gauge,
    success: Ratio,
    failure: Ratio,
    timeouts: Ratio,
    cold: Ratio,
    average: Ratio,
}

/// Seconds up to which connection times are told apart: about the documents' 3 s and 10 s.
const BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 5.0, 10.0, 30.0];

/// Values of a label beyond which all further ones are counted together.
const LABELS: u64 = 64;

impl Default for Figures {
    fn default() -> Self {
        let mut figures = Self {
            registry: Registry::with_prefix("sparring"),
            records: Counter::default(),
            established: Counter::default(),
            decided: Counter::default(),
            timed_out: Counter::default(),
            ended: Counter::default(),
            cold_starts: Counter::default(),
            connection_time: Histogram::new(BUCKETS),
            connection_time_sum: Counter::default(),
            attempts: Labelled::default(),
            refusals: Labelled::default(),
            faults: Labelled::default(),
            connections: Gauge::default(),
            success: Ratio::default(),
            failure: Ratio::default(),
            timeouts: Ratio::default(),
            cold: Ratio::default(),
            average: Ratio::default(),
        };
        figures.register();
        figures
    }
}

impl Figures {
    fn register(&mut self) {
        let Self { registry, .. } = self;
        registry.register("journal_records", "Records written to the journal", self.records.clone());
        registry.register(
            "attempts",
            "Connection attempts whose first request has been read",
            self.attempts.family.clone(),
        );
        registry.register(
            "connections_established",
            "Attempts that reached a full connection",
            self.established.clone(),
        );
        registry.register(
            "authentication_failures",
            "Attempts that were refused for who they are",
            self.refusals.family.clone(),
        );
        registry.register("attempts_decided", "Attempts whose outcome is known", self.decided.clone());
        registry.register("timeouts", "Attempts without a verdict in the document's time", self.timed_out.clone());
        registry.register(
            "attempts_ended",
            "Attempts that ended before a verdict and before its time",
            self.ended.clone(),
        );
        registry.register("cold_starts", "First responses slower than the set threshold", self.cold_starts.clone());
        registry.register("faults_fired", "Faults that have taken effect", self.faults.family.clone());
        registry.register("connections", "Connections that have not ended", self.connections.clone());
        registry.register(
            "connection_seconds",
            "Time from the first request to the full connection",
            self.connection_time.clone(),
        );
        self.register_rates();
    }

    fn register_rates(&mut self) {
        let Self { registry, .. } = self;
        let decided = "of the attempts whose outcome is known";
        let ratios = [
            ("connection_success_ratio", format!("Share that was established, {decided}"), &self.success),
            ("authentication_failure_ratio", format!("Share that was refused, {decided}"), &self.failure),
            ("timeout_ratio", format!("Share without a verdict in time, {decided}"), &self.timeouts),
            ("cold_start_ratio", "Share of all attempts that met a cold start".to_owned(), &self.cold),
            ("connection_seconds_average", "Mean time to the full connection".to_owned(), &self.average),
        ];
        for (name, help, ratio) in ratios {
            registry.register(name, help, ratio.clone());
        }
    }

    pub(super) fn attempted(&self, transport: &str) {
        self.attempts.inc("transport", transport);
    }

    pub(super) fn established(&self, time: Duration) {
        self.established.inc();
        self.connection_time.observe(time.as_secs_f64());
        self.connection_time_sum.inc_by(time.as_secs_f64());
    }

    pub(super) fn refused(&self, code: &str) {
        self.refusals.inc("code", code);
    }

    pub(super) fn fired(&self, fault: &str) {
        self.faults.inc("fault", fault);
    }

    /// All of it in the text format of OpenMetrics.
    pub(super) fn text(&self, connections: usize) -> String {
        let (established, refused, timed_out) = (self.established.get(), self.refusals.all.get(), self.timed_out.get());
        self.connections.set(i64::try_from(connections).unwrap_or(i64::MAX));
        self.success.set(share(established, self.decided.get()));
        self.failure.set(share(refused, self.decided.get()));
        self.timeouts.set(share(timed_out, self.decided.get()));
        self.cold.set(share(self.cold_starts.get(), self.attempts.all.get()));
        self.average.set(self.connection_time_sum.get() / float(established));
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes all that is written");
        text
    }
}

/// A share of a number; of nothing, it is no number.
fn share(part: u64, whole: u64) -> f64 {
    float(part) / float(whole)
}

fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
