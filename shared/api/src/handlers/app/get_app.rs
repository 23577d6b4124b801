//! Serves the browser app: the page at `/`, and its files below `/app/`. It is no operation of the API, so the OpenAPI document
//! does not describe it.

use std::io::Read;

use flate2::read::GzDecoder;
use http::{HeaderName, StatusCode, header};
use taskbell_web::{File, HASH, file};

use crate::http::{BROTLI, Call, GZIP, Problem, Reply, accepts, is_known};

/// The paths that the function serves with GET and HEAD.
pub const PATHS: [&str; 2] = ["/", "/app/{file+}"];

/// The page, whose URL is `/`.
const PAGE: &str = "index.html";

/// The service worker.
const WORKER: &str = "sw.js";

/// The files whose URL stays the same in all releases: the browser looks for a new service worker at the URL of the old one
/// (Service Workers, W3C), and installed apps keep the URLs of their manifest and icon.
const STABLE: [&str; 3] = [WORKER, "manifest.webmanifest", "icon.svg"];

/// Lets the service worker, which is in the folder `app`, control the page above it (Service Workers, W3C, §6.4).
const WORKER_SCOPE: HeaderName = HeaderName::from_static("service-worker-allowed");

/// The sources that the page may load from, and connect to: this host and the live connection.
pub struct Policy(String);

impl Policy {
    /// The policy for pages that connect to the WebSocket API at this URL. Scripts can create no markup (Trusted Types, W3C).
    pub fn new(live_url: &str) -> Self {
        // The scheme and the host.
        let live: Vec<_> = live_url.splitn(4, '/').take(3).collect();
        Self(format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self' {}; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types taskbell",
            live.join("/")
        ))
    }
}

/// Responds with a file, or with 304 if the client has it. A file of another release is not found.
pub async fn handle(call: &Call<'_>, policy: &Policy) -> Result<Reply, Problem> {
    let path = call.path("file");
    let (name, is_immutable) = match path.split_once('/') {
        None if path.is_empty() => (PAGE, false),
        None if STABLE.contains(&path) => (path, false),
        Some((HASH, name)) if ![PAGE, WORKER].contains(&name) => (name, true),
        _ => return Err(Problem::not_found()),
    };
    let file = file(name).ok_or_else(Problem::not_found)?;
    let tag = format!("W/\"{HASH}\"");
    let reply = match is_known(call, &tag)? {
        true => Reply::empty(StatusCode::NOT_MODIFIED),
        false => content(call, file)?,
    };
    let lifetime = if is_immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let reply = reply.with(header::ETAG, &tag)?.with(header::CACHE_CONTROL, lifetime)?;
    let reply = reply.with(header::CONTENT_SECURITY_POLICY, &policy.0)?;
    if name == WORKER { reply.with(WORKER_SCOPE, "../") } else { Ok(reply) }
}

/// The content in the encoding that the client accepts.
fn content(call: &Call<'_>, file: &File) -> Result<Reply, Problem> {
    if accepts(call, BROTLI) {
        return Reply::compressed(file.media_type(), BROTLI, file.brotli);
    }
    if accepts(call, GZIP) {
        return Reply::compressed(file.media_type(), GZIP, file.gzip);
    }
    let mut bytes = Vec::new();
    GzDecoder::new(file.gzip).read_to_end(&mut bytes).map_err(|_| Problem::internal())?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Reply::text(file.media_type(), text),
        Err(error) => Reply::binary(file.media_type(), error.as_bytes()),
    })
}
