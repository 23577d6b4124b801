//! Lambda's side of the Runtime API, for one function at a time
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use std::{convert::Infallible, net::SocketAddr, time::Instant};

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

/// A request of a function for its next event.
struct Poll {
    at: Instant,
    event: oneshot::Sender<String>,
}

/// The response of a function.
pub(crate) struct Answer {
    /// When it was complete.
    pub(crate) at: Instant,
    /// The response or the error.
    pub(crate) body: Bytes,
    /// Whether it is an error.
    pub(crate) failed: bool,
}

/// The Runtime API of one function.
pub(crate) struct RuntimeApi {
    address: SocketAddr,
    polls: mpsc::UnboundedReceiver<Poll>,
    answers: mpsc::UnboundedReceiver<Answer>,
    waiting: Option<Poll>,
    server: JoinHandle<()>,
}

impl RuntimeApi {
    /// Listens on a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (to_polls, polls) = mpsc::unbounded_channel();
        let (to_answers, answers) = mpsc::unbounded_channel();
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                stream.set_nodelay(true).expect("a socket");
                let (polls, answers) = (to_polls.clone(), to_answers.clone());
                let service = service_fn(move |request| serve(request, polls.clone(), answers.clone()));
                // A function that is killed leaves broken connections.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, polls, answers, waiting: None, server }
    }

    /// `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits until the function requests an event. Returns the time of the request.
    ///
    /// # Errors
    /// If the function reports an error instead.
    pub(crate) async fn asked(&mut self) -> Result<Instant, Bytes> {
        tokio::select! {
            poll = self.polls.recv() => Ok(self.waiting.insert(poll.expect("the server runs")).at),
            answer = self.answers.recv() => Err(answer.expect("the server runs").body),
        }
    }

    /// Sends an event to the waiting function and waits for its response.
    pub(crate) async fn invoke(&mut self, event: String) -> Answer {
        let poll = self.waiting.take().expect("the function has requested an event");
        poll.event.send(event).expect("the function waits");
        self.answers.recv().await.expect("the server runs")
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(
    request: Request<Incoming>,
    polls: mpsc::UnboundedSender<Poll>,
    answers: mpsc::UnboundedSender<Answer>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let at = Instant::now();
    if request.method() == Method::GET {
        let (event, arrives) = oneshot::channel();
        // Fails only after the measurement.
        let _ = polls.send(Poll { at, event });
        let Ok(event) = arrives.await else { return std::future::pending().await };
        let response = Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", "00000000-0000-4000-8000-000000000000")
            .header("lambda-runtime-deadline-ms", "4102444800000")
            .header(
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:us-east-1:123456789012:function:bench",
            )
            .body(Full::from(event));
        return Ok(response.expect("a response"));
    }
    let failed = !request.uri().path().ends_with("/response");
    let body = request.into_body().collect().await.map(|all| all.to_bytes()).unwrap_or_default();
    let _ = answers.send(Answer { at: Instant::now(), body, failed });
    let response = Response::builder().status(202).body(Full::default());
    Ok(response.expect("a response"))
}
