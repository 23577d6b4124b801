//! Lists the open invitations into a space: `GET /v1/spaces/{space_id}/invitations`.

use taskbell_api::handlers::invitations::list;
use taskbell_functions::{Environment, Error, SystemClock, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let verifier = env.verifier();
    let verifier = env.ready(verifier)?;
    serve!(|call| list::handle(call, &store, &verifier, &SystemClock))
}
