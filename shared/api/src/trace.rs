//! Traces of X-Ray, whose ids join the log lines of a request and of what it causes.

/// The id of the trace in a tracing header, such as `Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1` ("Tracing header",
/// X-Ray developer guide).
pub fn trace_id(header: &str) -> Option<&str> {
    let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root="))?;
    let is_hex =
        |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit());
    let (time, random) = root.strip_prefix("1-")?.split_once('-')?;
    (is_hex(time, 8) && is_hex(random, 24)).then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_id_is_the_root_of_the_tracing_header() {
        let id = "1-5759e988-bd862e3fe1be46a994272793";
        for header in [
            format!("Root={id}"),
            format!("Root={id};Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:a87bd80c:0"),
            format!("Sampled=?; Root={id}"),
        ] {
            assert_eq!(trace_id(&header), Some(id), "{header}");
        }
        let long = format!("Root={id}0");
        for header in ["", "Parent=53995c3f42cd8ad8", id, "Root=1-a-b", "Root=1-\n-", &long] {
            assert_eq!(trace_id(header), None, "{header}");
        }
    }
}
