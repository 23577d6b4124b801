//! The log lines of a test, with their metrics.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex},
};

use taskbell_api::metrics::Metric;
use tracing::{
    Event, Metadata,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::DefaultGuard,
};

/// A log line.
#[derive(Clone, Default)]
pub(crate) struct LogLine {
    /// Its level and message.
    pub(crate) text: String,
    /// Its fields, without the message.
    pub(crate) fields: BTreeMap<&'static str, String>,
}

/// Records the log lines of this thread.
#[derive(Clone, Default)]
pub(crate) struct LogLines(Arc<Mutex<Vec<LogLine>>>);

impl LogLines {
    /// Records lines until the guard is dropped.
    pub(crate) fn record() -> (Self, DefaultGuard) {
        let lines = Self::default();
        let guard = tracing::subscriber::set_default(lines.clone());
        (lines, guard)
    }

    /// The lines since the last call.
    pub(crate) fn take(&self) -> Vec<LogLine> {
        std::mem::take(&mut self.0.lock().expect("not poisoned"))
    }

    /// The sums of the metrics in the lines since the last call. `MailsSent` has the kind of mail in its name.
    pub(crate) fn metrics(&self) -> BTreeMap<String, i64> {
        let mut sums = BTreeMap::new();
        for line in self.take() {
            for (name, value) in &line.fields {
                let Some(metric) = Metric::named(name) else { continue };
                let kind = if metric.by_kind { &format!(" {}", line.fields["Kind"]) } else { "" };
                *sums.entry(format!("{name}{kind}")).or_default() +=
                    value.parse::<i64>().expect("a number");
            }
        }
        sums
    }
}

impl Visit for LogLine {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}");
        match field.name() {
            "message" => self.text += &value,
            name => drop(self.fields.insert(name, value.trim_matches('"').to_owned())),
        }
    }
}

impl tracing::Subscriber for LogLines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("taskbell")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = LogLine { text: format!("{} ", event.metadata().level()), ..LogLine::default() };
        event.record(&mut line);
        self.0.lock().expect("not poisoned").push(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
