//! Deletes a comment: `DELETE /v1/tasks/{task_id}/comments/{comment_id}`.

use taskbell_api::handlers::comments::delete_comment;
use taskbell_functions::{Environment, Error, guard, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut env = Environment::start();
    let store = env.dynamodb();
    let users = env.users();
    let (users, limit) = env.ready(users).await?;
    let guard = guard(&store, &users, limit);
    serve!(guard, |call| delete_comment::handle(call, &store))
}
