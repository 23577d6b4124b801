//! The log lines of a test, as the functions write them.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use taskbell_api::{logging, metrics::Metric};
use tracing::{Level, subscriber::DefaultGuard};

/// What is written on this thread.
#[derive(Clone, Default)]
pub(crate) struct LogLines(Arc<Mutex<Vec<u8>>>);

impl io::Write for LogLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LogLines {
    /// Records lines until the guard is dropped.
    pub(crate) fn record() -> (Self, DefaultGuard) {
        let lines = Self::default();
        let writer = lines.clone();
        let subscriber = logging::subscriber(Level::INFO, "test".to_owned(), move || writer.clone());
        let guard = tracing::subscriber::set_default(subscriber);
        (lines, guard)
    }

    /// The lines since the last call. Each must be one JSON object in which no member occurs twice.
    pub(crate) fn take(&self) -> Vec<Value> {
        let written = std::mem::take(&mut *self.0.lock().expect("not poisoned"));
        let parse = |line: &str| {
            let value: Value = serde_json::from_str(line).expect(line);
            for member in value.as_object().expect("an object").keys() {
                assert_eq!(line.matches(&format!("\"{member}\":")).count(), 1, "{member} in {line}");
            }
            value
        };
        String::from_utf8(written).expect("UTF-8").lines().map(parse).collect()
    }

    /// The levels and messages of the lines since the last call.
    pub(crate) fn messages(&self) -> Vec<String> {
        let text = |line: &Value, name: &str| line[name].as_str().expect("text").to_owned();
        let of_line = |line: &Value| format!("{} {}", text(line, "level"), text(line, "message"));
        self.take().iter().map(of_line).collect()
    }

    /// The sums of the metrics that CloudWatch extracts from the lines since the last call. `MailsSent` has the kind of mail in
    /// its name.
    pub(crate) fn metrics(&self) -> BTreeMap<String, i64> {
        let mut sums = BTreeMap::new();
        for line in self.take() {
            let directives = line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten();
            for metric in
                directives.flat_map(|directive| directive["Metrics"].as_array().expect("metrics"))
            {
                let name = metric["Name"].as_str().expect("a name");
                let by_kind = Metric::named(name).expect("a metric").by_kind;
                let kind = if by_kind {
                    format!(" {}", line["Kind"].as_str().expect("a kind"))
                } else {
                    String::new()
                };
                *sums.entry(format!("{name}{kind}")).or_default() +=
                    line[name].as_i64().expect("a number");
            }
        }
        sums
    }
}
