//! Prints the OpenAPI document: `make openapi` writes it to where it is served from.

fn main() -> Result<(), serde_json::Error> {
    println!("{}", serde_json::to_string_pretty(&taskbell_api::openapi::document())?);
    Ok(())
}
