//! Traces of X-Ray, whose ids join the log lines of a request and of what it causes.

/// The id of the trace in a tracing header, such as `Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1` ("Tracing header",
/// X-Ray developer guide).
pub fn trace_id(header: &str) -> Option<&str> {
    header.split(';').find_map(|part| part.trim().strip_prefix("Root="))
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
        for header in ["", "Parent=53995c3f42cd8ad8", id] {
            assert_eq!(trace_id(header), None, "{header}");
        }
    }
}
