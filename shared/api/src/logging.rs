//! Log lines: one JSON object each, with the fields of the spans around it. A line that carries metrics is written in the embedded
//! metric format, from which CloudWatch Logs extracts them: no call, no latency.
//!
//! Source: "Specification: Embedded metric format", Amazon CloudWatch user guide.

use std::fmt::{self, Debug, Write as _};

use serde_json::{Value, json};
use taskbell_domain::clock::Clock;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    filter::filter_fn,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter,
        format::{Format, Json, JsonFields, Writer},
    },
    layer::SubscriberExt as _,
    registry::LookupSpan,
};

use crate::{
    metrics::{KIND, Metric, NAMESPACE, STACK},
    system::SystemClock,
};

/// Writes lines from `level` on, and all metrics, to `writer`. `stack` is the dimension of the metrics.
pub fn subscriber(
    level: Level,
    stack: String,
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
) -> impl Subscriber + Send + Sync {
    let json = Format::default()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false);
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(Lines { json, level, stack })
        .with_writer(writer);
    // The fields of spans are needed at every level.
    let is_wanted = move |metadata: &Metadata<'_>| {
        let least = if metadata.is_span() { level.max(Level::INFO) } else { level };
        *metadata.level() <= least || Metric::is_in(metadata)
    };
    let filter = filter_fn(is_wanted).with_max_level_hint(level.max(Level::INFO));
    tracing_subscriber::registry().with(filter).with(lines)
}

struct Lines {
    json: Format<Json>,
    level: Level,
    stack: String,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metrics = match Metric::is_in(event.metadata()) {
            true => metrics(event, &self.stack),
            false => None,
        };
        if metrics.is_none() && *event.metadata().level() > self.level {
            return Ok(());
        }
        let mut line = String::new();
        self.json.format_event(context, Writer::new(&mut line), event)?;
        line.truncate(line.trim_end().len().saturating_sub(1));
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                append(&mut line, fields.as_str())?;
            }
        }
        if let Some(metrics) = metrics {
            append(&mut line, &metrics.to_string())?;
        }
        writeln!(writer, "{line}}}")
    }
}

/// Adds the members of a JSON object to a line without its closing brace.
fn append(line: &mut String, object: &str) -> fmt::Result {
    let members = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    if members.is_empty() { Ok(()) } else { write!(line, ",{members}") }
}

/// The members that make a line an embedded metric document. `None` if no metric of the event has a value.
fn metrics(event: &Event<'_>, stack: &str) -> Option<Value> {
    let mut present = Present(Vec::new());
    event.record(&mut present);
    let directive = |by_kind: bool| {
        let metrics = present.0.iter().filter(|metric| metric.by_kind == by_kind);
        let metrics: Vec<_> = metrics
            .map(|metric| json!({ "Name": metric.name, "Unit": metric.unit.as_str() }))
            .collect();
        let dimensions = if by_kind { vec![STACK, KIND] } else { vec![STACK] };
        (!metrics.is_empty())
            .then(|| json!({ "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics }))
    };
    let directives: Vec<_> = [false, true].into_iter().filter_map(directive).collect();
    let timestamp = SystemClock.instant().as_millisecond();
    (!directives.is_empty()).then(
        || json!({ STACK: stack, "_aws": { "Timestamp": timestamp, "CloudWatchMetrics": directives } }),
    )
}

/// The metrics of an event that have a value.
struct Present(Vec<&'static Metric>);

impl Visit for Present {
    fn record_debug(&mut self, field: &Field, _: &dyn Debug) {
        self.0.extend(Metric::named(field.name()));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(line)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that `log` writes at this level. Each must be one JSON object in which no member occurs twice.
    fn logged(level: Level, log: impl FnOnce()) -> Vec<Value> {
        let written = Log::default();
        let writer = written.clone();
        let subscriber = subscriber(level, "prod".to_owned(), move || writer.clone());
        tracing::subscriber::with_default(subscriber, log);
        let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let parse = |line: &str| {
            let value: Value = serde_json::from_str(line).expect(line);
            for member in value.as_object().expect("an object").keys() {
                let occurrences = line.matches(&format!("\"{member}\":")).count();
                assert_eq!(occurrences, 1, "{member} in {line}");
            }
            value
        };
        written.lines().map(parse).collect()
    }

    #[test]
    fn a_line_has_the_fields_of_the_spans_around_it() {
        let lines = logged(Level::WARN, || {
            let invocation = tracing::info_span!("invocation", trace_id = "1-a");
            let message = tracing::info_span!(parent: &invocation, "message", message_id = "m\"1", origin = Option::<&str>::None);
            invocation.in_scope(|| tracing::warn!("outside"));
            message.in_scope(|| tracing::warn!(limit = "mails", "inside"));
            tracing::warn!("alone");
        });
        let [outside, inside, alone] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!((&outside["message"], &outside["trace_id"]), (&json!("outside"), &json!("1-a")));
        assert_eq!((&inside["trace_id"], &inside["message_id"]), (&json!("1-a"), &json!("m\"1")));
        assert_eq!((&inside["limit"], &inside["level"]), (&json!("mails"), &json!("WARN")));
        assert!(alone.get("trace_id").is_none() && inside.get("origin").is_none());
        assert!(alone.get("_aws").is_none() && alone.get("Stack").is_none());
    }

    #[test]
    fn a_line_with_metrics_is_an_embedded_metric_document() {
        let before = SystemClock.instant().as_millisecond();
        let lines = logged(Level::INFO, || {
            tracing::info!(
                MailsSent = 1,
                ReminderLateness = Some(3),
                RemindersLate = Option::<u8>::None,
                Kind = "reminder",
                "mail sent"
            );
        });
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"],
            json!([
                { "Namespace": "Taskbell", "Dimensions": [["Stack"]],
                  "Metrics": [{ "Name": "ReminderLateness", "Unit": "Seconds" }] },
                { "Namespace": "Taskbell", "Dimensions": [["Stack", "Kind"]],
                  "Metrics": [{ "Name": "MailsSent", "Unit": "Count" }] },
            ])
        );
        let timestamp = line["_aws"]["Timestamp"].as_i64().expect("milliseconds");
        assert!((before..=SystemClock.instant().as_millisecond()).contains(&timestamp));
        // Every dimension and metric that the directives name is a member of the line.
        assert_eq!((&line["Stack"], &line["Kind"]), (&json!("prod"), &json!("reminder")));
        assert_eq!((&line["MailsSent"], &line["ReminderLateness"]), (&json!(1), &json!(3)));
        assert!(line.get("RemindersLate").is_none());
    }

    #[test]
    fn a_metric_is_written_at_every_level_and_a_line_without_a_value_is_no_document() {
        for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG] {
            let lines = logged(level, || {
                tracing::debug!(FeedLag = 1, "counted");
                tracing::info!(FeedLag = Option::<u8>::None, "nothing to count");
                tracing::info!("unimportant");
            });
            let named = |name: &str| lines.iter().filter(|line| line["message"] == name).count();
            let shown = usize::from(level >= Level::INFO);
            assert_eq!((named("nothing to count"), named("unimportant")), (shown, shown));
            assert_eq!(
                lines.iter().filter(|line| line.get("_aws").is_some()).count(),
                named("counted")
            );
            assert_eq!(
                named("counted"),
                usize::from(level >= Level::DEBUG),
                "metrics are logged at level info or above"
            );
        }
    }
}
