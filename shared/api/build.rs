//! Minifies and compresses the OpenAPI document, so that no function does it at run time.

use std::{env, error::Error, fs, io::Write, path::Path};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

fn main() -> Result<(), Box<dyn Error>> {
    let source = "src/openapi/openapi.json";
    println!("cargo:rerun-if-changed={source}");
    let document: serde_json::Value = serde_json::from_str(&fs::read_to_string(source)?)?;
    let minified = document.to_string();
    let folder = env::var("OUT_DIR")?;
    let folder = Path::new(&folder);
    fs::write(folder.join("openapi.json"), &minified)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(minified.as_bytes())?;
    fs::write(folder.join("openapi.json.gz"), encoder.finish()?)?;
    let hash: String = Sha256::digest(&minified).iter().take(12).map(|b| format!("{b:02x}")).collect();
    println!("cargo:rustc-env=OPENAPI_HASH={hash}");
    Ok(())
}
