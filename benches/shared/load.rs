//! Notices sent to a running agent: on a schedule that does not wait for answers, or as fast as they come.

use super::Times;
use crate::common::agent::{Agent, TOKEN};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
};
use tokio::net::{TcpStream, UnixStream};

/// Where the agent listens.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    Port(u16),
    Socket(PathBuf),
}

impl Address {
    pub(crate) fn socket_of(agent: &Agent) -> Self {
        Self::Socket(agent.dir().join("state/revoked.sock"))
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One connection, for one request after the other. Little more than the bytes: the machine is shared with
/// the agent that is measured.
struct Connection(tokio::io::BufReader<Box<dyn Stream>>);

impl Connection {
    async fn open(address: &Address) -> std::io::Result<Self> {
        let stream: Box<dyn Stream> = match address {
            Address::Port(port) => {
                let stream = TcpStream::connect(("127.0.0.1", *port)).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Address::Socket(path) => Box::new(UnixStream::connect(path).await?),
        };
        Ok(Self(tokio::io::BufReader::new(stream)))
    }

    /// Sends a notice and reads the answer to its end; gives the status.
    async fn post(&mut self, Notice { path, event, body }: &Notice) -> std::io::Result<u16> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
             Idempotency-Key: {event}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.write_all(request.as_bytes()).await?;
        let (mut status, mut length) = (0, 0);
        let mut line = String::new();
        loop {
            line.clear();
            if self.0.read_line(&mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let field = line.trim_end().to_ascii_lowercase();
            if let Some(code) = field.strip_prefix("http/1.1 ") {
                status = code.split(' ').next().unwrap().parse().unwrap();
            } else if let Some(value) = field.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            } else if field.is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length];
        self.0.read_exact(&mut answer).await?;
        Ok(status)
    }
}

/// Which role the person of a notice has.
type Role = fn(usize) -> String;

fn one_of_a_thousand(number: usize) -> String {
    format!("r{}", number % 1_000)
}

/// What is sent.
struct Notice {
    path: &'static str,
    event: String,
    body: String,
}

/// Where it is sent, and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A revocation, as programs ask for it.
    Revocation,
    /// An event of an HR system.
    Event,
}

impl Form {
    /// The notice number `number` of a run: a new person.
    fn notice(self, run: &str, number: usize, role: Role) -> Notice {
        let event = format!("{run}-{number}");
        let (path, body) = match self {
            Self::Revocation => (
                "/api/v1/revocations",
                serde_json::json!({"username": event, "account": role(number), "reason": "terminated"}),
            ),
            Self::Event => (
                "/api/v1/webhooks/hr-events",
                serde_json::json!({
                    "event_type": "user_terminated", "event_id": event,
                    "user": {"username": event, "accounts": [role(number)], "email": "somebody@example.com"},
                }),
            ),
        };
        Notice { path, event, body: body.to_string() }
    }
}

/// What was sent, and how long the answers took.
pub(crate) struct Sent {
    pub(crate) times: Times,
    pub(crate) refused: usize,
    pub(crate) took: Duration,
}

/// Sends `rate` notices a second for `long`, each when it is due, whether or not earlier ones are answered.
/// A time runs from when its notice was due: one that waits for the agent counts what it waited.
pub(crate) fn on_schedule(
    address: &Address,
    form: Form,
    run: &str,
    rate: u32,
    long: Duration,
) -> Sent {
    let runtime = runtime();
    let idle: Arc<Mutex<Vec<Connection>>> = Arc::default();
    let interval = Duration::from_secs(1) / rate;
    let count = usize::try_from(long.as_millis() / interval.as_millis()).unwrap();
    let begun = Instant::now();
    let mut sent = Vec::with_capacity(count);
    for number in 0..count {
        let due = begun + interval * u32::try_from(number).unwrap();
        // A thread of its own sleeps more exactly than the runtime's timer, which counts milliseconds.
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let (address, idle) = (address.clone(), idle.clone());
        let notice = form.notice(run, number, one_of_a_thousand);
        sent.push(runtime.handle().spawn(async move {
            let free = idle.lock().unwrap().pop();
            let again = match free {
                Some(mut connection) => {
                    connection.post(&notice).await.ok().map(|status| (status, connection))
                }
                None => None,
            };
            // The agent closes what was idle for long: it is sent again, as every client does.
            let (status, connection) = if let Some(answered) = again {
                answered
            } else {
                let mut connection = Connection::open(&address).await.ok()?;
                (connection.post(&notice).await.ok()?, connection)
            };
            idle.lock().unwrap().push(connection);
            (status == 202).then(|| due.elapsed())
        }));
    }
    let answers: Vec<Option<Duration>> = runtime.block_on(async {
        let mut answers = Vec::with_capacity(count);
        for one in sent {
            answers.push(one.await.unwrap());
        }
        answers
    });
    result(answers, begun.elapsed())
}

/// `senders` send `count` notices together, each its next one as soon as the last is answered.
pub(crate) fn one_after_the_other(
    address: &Address,
    run: &str,
    senders: usize,
    count: usize,
) -> Sent {
    for_accounts(address, run, senders, count, one_of_a_thousand)
}

/// As [`one_after_the_other`], with roles of one's own.
pub(crate) fn for_accounts(
    address: &Address,
    run: &str,
    senders: usize,
    count: usize,
    role: Role,
) -> Sent {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let runtime = runtime();
    let answers = runtime.block_on(async {
        let mut sending = tokio::task::JoinSet::new();
        for _ in 0..senders {
            let (address, next, run) = (address.clone(), next.clone(), run.to_owned());
            sending.spawn(async move {
                let mut connection = Connection::open(&address).await.unwrap();
                let mut answers = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return answers;
                    }
                    let notice = Form::Revocation.notice(&run, number, role);
                    let due = Instant::now();
                    let status = connection.post(&notice).await.unwrap();
                    answers.push((status == 202).then(|| due.elapsed()));
                }
            });
        }
        sending.join_all().await.concat()
    });
    result(answers, begun.elapsed())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn result(answers: Vec<Option<Duration>>, took: Duration) -> Sent {
    let all = answers.len();
    let times = Times::of(answers.into_iter().flatten().collect());
    Sent { refused: all - times.count(), times, took }
}
