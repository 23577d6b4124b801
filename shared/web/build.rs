//! Compresses the files of `app/` and names them by their content, so that no function does it at run time.

use std::{collections::BTreeMap, env, error::Error, fmt::Write as _, fs, io::Write as _, path::Path};

use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// The text that is replaced by the hash of all files.
const HASH: &str = "{{hash}}";

/// The kinds of files that are served. Any other file is a mistake, such as the backup of an editor.
const KINDS: [&str; 6] = ["html", "js", "css", "svg", "png", "webmanifest"];

/// The text that is replaced by the list of the files that a page needs, as the elements of a JavaScript array.
const FILES: &str = "{{files}}";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=app");
    let mut files = BTreeMap::new();
    for entry in fs::read_dir("app")? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("a name is not UTF-8")?;
        let kind = name.rsplit_once('.').map_or("", |(_, kind)| kind);
        if !KINDS.contains(&kind) || name.starts_with('.') {
            return Err(format!("app/{name} is no file of the app: remove it").into());
        }
        files.insert(name.to_owned(), fs::read(&path)?);
    }
    let mut hasher = Sha256::new();
    for (name, content) in &files {
        // With the lengths, so that no two sets of files are the same bytes.
        hasher.update(format!("{name} {}\n", content.len()));
        hasher.update(content);
    }
    let hash: String = hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let hashed = files.keys().filter(|name| name.ends_with(".js") || name.ends_with(".css"));
    let hashed = hashed.filter(|name| *name != "sw.js");
    let listed: Vec<_> = hashed.map(|name| format!("\"{name}\"")).collect();
    let out = env::var("OUT_DIR")?;
    let mut table = String::new();
    for (name, content) in &files {
        let content = match String::from_utf8(content.clone()) {
            Ok(text) => text.replace(HASH, &hash).replace(FILES, &listed.join(", ")).into_bytes(),
            Err(_) => content.clone(), // a picture
        };
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&content)?;
        let gzip = Path::new(&out).join(format!("{name}.gz"));
        fs::write(&gzip, encoder.finish()?)?;
        let mut compressed = Vec::new();
        brotli::BrotliCompress(
            &mut content.as_slice(),
            &mut compressed,
            &BrotliEncoderParams::default(),
        )?;
        let brotli = Path::new(&out).join(format!("{name}.br"));
        fs::write(&brotli, compressed)?;
        writeln!(
            table,
            "    File {{ name: {name:?}, brotli: include_bytes!({brotli:?}), gzip: include_bytes!({gzip:?}) }},"
        )?;
    }
    fs::write(Path::new(&out).join("files.rs"), format!("&[\n{table}]"))?;
    println!("cargo:rustc-env=APP_HASH={hash}");
    Ok(())
}
