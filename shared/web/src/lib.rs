//! The files of the browser app, as `get-app` serves them.

/// A file of `app/`.
pub struct File {
    /// The name, without a folder.
    pub name: &'static str,
    /// The content, compressed with Brotli (RFC 7932), which every browser accepts over HTTPS.
    pub brotli: &'static [u8],
    /// The content, compressed with gzip.
    pub gzip: &'static [u8],
}

/// The hash of all files. They are served in a folder of this name, so each release has URLs of its own, and modules can import
/// each other by relative paths.
pub const HASH: &str = env!("APP_HASH");

/// All files, by name.
pub const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The file of a name.
pub fn file(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}

impl File {
    /// The media type, by the end of the name.
    pub fn media_type(&self) -> &'static str {
        match self.name.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "png" => "image/png",
            "svg" => "image/svg+xml",
            "webmanifest" => "application/manifest+json",
            _ => "application/octet-stream",
        }
    }
}
