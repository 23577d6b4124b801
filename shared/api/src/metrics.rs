//! The metrics of the service. A metric is a field of a log line, named like the metric: an event of `tracing` with such a field
//! is written in CloudWatch's embedded metric format, whatever the log level. A field that is `None` is no data.
//!
//! docs/metrics.md has what each one means. Each costs $0.30 a month while it has data, so there are few, and an idle stack
//! has none.

use tracing::Metadata;

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its unit, as in `MetricDatum` of the CloudWatch API reference.
    pub unit: Unit,
    /// Whether it is counted for each kind of mail, which the field [`KIND`] of the same line names.
    pub by_kind: bool,
}

/// The unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A duration in seconds.
    Seconds,
}

impl Unit {
    /// The name in CloudWatch.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Seconds => "Seconds",
        }
    }
}

/// The namespace of the metrics.
pub const NAMESPACE: &str = "Taskbell";

/// The dimension of every metric: the name of the stack.
pub const STACK: &str = "Stack";

/// The dimension of metrics that are counted for each kind of mail.
pub const KIND: &str = "Kind";

/// Lateness beyond which a reminder misses its objective, in seconds (docs/slo.md).
pub const LATE_SECONDS: i64 = 60;

/// All metrics.
pub const METRICS: [Metric; 16] = [
    Metric { by_kind: true, ..count("MailsSent") },
    Metric { unit: Unit::Seconds, ..count("ReminderLateness") },
    count("RemindersLate"),
    count("RemindersSkipped"),
    count("RemindersFailed"),
    count("RemindersUncertain"),
    count("MailsDeferred"),
    count("TimersDispatched"),
    Metric { unit: Unit::Seconds, ..count("DispatchBacklog") },
    count("ChangesRelayed"),
    Metric { unit: Unit::Seconds, ..count("FeedLag") },
    count("ChangesSkipped"),
    count("PushesSent"),
    count("PushesDropped"),
    count("RequestsLimited"),
    count("AccountsRegistered"),
];

const fn count(name: &'static str) -> Metric {
    Metric { name, unit: Unit::Count, by_kind: false }
}

impl Metric {
    /// The metric with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        METRICS.iter().find(|metric| metric.name == name)
    }

    /// Whether events of this kind can carry a metric.
    pub fn is_in(metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.fields().iter().any(|field| Self::named(field.name()).is_some())
    }
}
