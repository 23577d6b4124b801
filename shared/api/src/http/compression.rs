//! Compression of responses with gzip (RFC 9110 §8.4.1.3). API Gateway does not compress what an HTTP API returns.

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};

use super::Call;

/// The size from which a body is compressed, in bytes. A smaller one takes one packet either way.
const MIN_BODY: usize = 1_024;

/// The name of gzip in headers.
pub(crate) const GZIP: &str = "gzip";

/// The name of Brotli in headers (RFC 7932 §13).
pub(crate) const BROTLI: &str = "br";

/// Whether the client accepts a coding (RFC 9110 §12.5.3). A client that says nothing gets bodies as they are.
pub(crate) fn accepts(call: &Call<'_>, coding: &str) -> bool {
    // An invalid header has no effect on what is returned but its encoding.
    call.header("accept-encoding").ok().flatten().is_some_and(|header| allows(header, coding))
}

fn allows(header: &str, coding: &str) -> bool {
    let allowed = |wanted: &str| {
        header.split(',').find_map(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map(str::parse::<f32>);
            name.eq_ignore_ascii_case(wanted)
                .then(|| !weight.is_some_and(|q| q.is_ok_and(|q| q <= 0.0)))
        })
    };
    allowed(coding).or_else(|| allowed("*")).unwrap_or(false)
}

/// The body, compressed and in base64, as API Gateway expects binary content. `None` if the body is small.
pub(super) fn gzip(body: &str) -> Option<String> {
    if body.len() < MIN_BODY {
        return None;
    }
    // The fastest level: a function pays for CPU time more than for bytes.
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body.as_bytes()).ok()?;
    Some(STANDARD.encode(encoder.finish().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_is_used_if_the_header_allows_it() {
        for allowed in ["gzip", "GZIP", "br, gzip;q=0.5", "*", "deflate;q=0, *;q=0.1", "gzip;q=0.001"] {
            assert!(allows(allowed, GZIP), "{allowed}");
        }
        for refused in
            ["", "br", "identity", "gzip;q=0", "gzip; q=0.0, *", "*, gzip;q=0", "x-gzip", "*;q=0"]
        {
            assert!(!allows(refused, GZIP), "{refused}");
        }
        assert!(allows("gzip, deflate, br, zstd", BROTLI) && !allows("gzip, br;q=0", BROTLI));
    }

    #[test]
    fn a_small_body_is_not_compressed() {
        assert_eq!(gzip(&"a".repeat(MIN_BODY - 1)), None);
        assert!(gzip(&"a".repeat(MIN_BODY)).is_some_and(|compressed| compressed.len() < 100));
    }
}
