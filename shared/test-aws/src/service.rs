//! A scripted AWS service: it records requests and answers each as the script says, or not at all.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use taskbell_aws::{Connection, Credentials};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What the service does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answers with this status and body, and keeps the connection open.
    Answer(u16, String),
    /// Reads it and closes the connection.
    Close,
    /// Reads it and never answers.
    Hang,
    /// Sends bytes that are not HTTP.
    Garbage,
}

#[derive(Default)]
struct State {
    script: VecDeque<Reply>,
    bodies: Vec<String>,
    connections: usize,
    greeting: Option<Reply>,
}

/// The service, which stops when it is dropped.
pub struct Service {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Service {
    /// A service that answers its requests in this order, and later requests never.
    pub async fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state =
            Arc::new(Mutex::new(State { script: script.into_iter().collect(), ..State::default() }));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                shared.lock().expect("not poisoned").connections += 1;
                tokio::spawn(serve(connection, Arc::clone(&shared)));
            }
        });
        Self { address, state, task }
    }

    /// Makes new connections start with this reply, before a request is read.
    pub fn greet(&self, reply: Reply) {
        self.state.lock().expect("not poisoned").greeting = Some(reply);
    }

    /// A connection to this service.
    pub fn connection(&self) -> Connection {
        connection(format!("http://{}", self.address))
    }

    /// The address of the service.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The bodies of the requests so far.
    pub fn bodies(&self) -> Vec<String> {
        self.state.lock().expect("not poisoned").bodies.clone()
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.state.lock().expect("not poisoned").connections
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A connection to an endpoint.
pub fn connection(endpoint: String) -> Connection {
    let credentials = Credentials::new("test", "test", None, None, "test");
    Connection::new("us-east-1".to_owned(), credentials, Some(endpoint), None)
}

async fn serve(connection: TcpStream, state: Arc<Mutex<State>>) {
    let mut connection = BufReader::new(connection);
    let greeting = state.lock().expect("not poisoned").greeting.clone();
    if let Some(reply) = greeting {
        return match reply {
            Reply::Hang => std::future::pending().await,
            _ => drop(connection.write_all(b"no TLS\r\n\r\n").await),
        };
    }
    while let Some(body) = request(&mut connection).await {
        let reply = {
            let mut state = state.lock().expect("not poisoned");
            state.bodies.push(body);
            state.script.pop_front().unwrap_or(Reply::Hang)
        };
        let answer = match reply {
            Reply::Answer(status, body) => {
                format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n\r\n{body}", body.len())
            }
            Reply::Garbage => "no HTTP\r\n\r\n".to_owned(),
            Reply::Close => return,
            Reply::Hang => std::future::pending().await,
        };
        if connection.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The body of the next request of a connection.
async fn request(connection: &mut BufReader<TcpStream>) -> Option<String> {
    let (mut line, mut length) = (String::new(), 0);
    while connection.read_line(&mut line).await.is_ok_and(|read| read > 0) && line != "\r\n" {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        line.clear();
    }
    if line.is_empty() {
        return None;
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.ok()?;
    String::from_utf8(body).ok()
}
