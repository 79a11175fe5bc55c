//! Redis Streams with a consumer group, every command synced before it is answered (`appendfsync always`).

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::engine::{Consumer, Engine, Publisher};
use super::resp::{Connection, Reply};
use crate::failure::{Failure, Result};
use crate::scratch::Scratch;

const NAME: &str = "redis";

/// A server of our own, on loopback.
pub(super) struct Redis {
    server: Child,
    port: u16,
}

impl Redis {
    /// Starts a server, if one is installed.
    pub(super) async fn start(scratch: &Scratch) -> Result<Option<Self>> {
        let folder = scratch.subfolder("redis")?;
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(Failure::io("find a free port"))?;
        let port = free.local_addr().map_err(Failure::io("find a free port"))?.port();
        drop(free);
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        command.args(["--appendonly", "yes", "--appendfsync", "always", "--dir"]).arg(folder);
        let server = match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
            Ok(server) => server,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::io("start redis-server")(error)),
        };
        let redis = Self { server, port };
        for _ in 0..200 {
            if Connection::open(port).await.is_ok() {
                return Ok(Some(redis));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(Failure::engine(NAME)("it did not listen within four seconds"))
    }

    async fn connect(&self) -> Result<Connection> {
        Connection::open(self.port).await.map_err(Failure::io("connect to redis"))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // The only process that is ended is the one that was started.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

impl Engine for Redis {
    fn name(&self) -> &'static str {
        NAME
    }

    fn topic<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<()>> {
        async move {
            let words: Vec<&[u8]> = vec![b"XGROUP", b"CREATE", topic.as_bytes(), b"bench", b"0", b"MKSTREAM"];
            self.connect().await?.ask(&[words]).await.map(drop)
        }
        .boxed()
    }

    fn publisher<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<Box<dyn Publisher>>> {
        async move {
            let publisher = RedisPublisher { connection: self.connect().await?, topic: topic.into() };
            Ok(Box::new(publisher) as Box<dyn Publisher>)
        }
        .boxed()
    }

    fn consumer<'a>(&'a self, topic: &'a str, number: usize) -> BoxFuture<'a, Result<Box<dyn Consumer>>> {
        async move {
            let name = format!("consumer-{number}").into_bytes();
            let consumer = RedisConsumer { connection: self.connect().await?, topic: topic.into(), name };
            Ok(Box::new(consumer) as Box<dyn Consumer>)
        }
        .boxed()
    }

    fn clear<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<()>> {
        async move {
            let words: Vec<&[u8]> = vec![b"DEL", topic.as_bytes()];
            self.connect().await?.ask(&[words]).await.map(drop)
        }
        .boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        async move { drop(self) }.boxed()
    }
}

struct RedisPublisher {
    connection: Connection,
    topic: Vec<u8>,
}

impl Publisher for RedisPublisher {
    fn publish(&mut self, messages: Vec<Vec<u8>>) -> BoxFuture<'_, Result<()>> {
        async move {
            let Self { connection, topic } = self;
            let commands: Vec<Vec<&[u8]>> =
                messages.iter().map(|payload| vec![&b"XADD"[..], topic, b"*", b"p", payload]).collect();
            connection.ask(&commands).await.map(drop)
        }
        .boxed()
    }
}

struct RedisConsumer {
    connection: Connection,
    topic: Vec<u8>,
    name: Vec<u8>,
}

impl Consumer for RedisConsumer {
    fn work<'a>(
        &'a mut self,
        max: usize,
        handle: &'a mut (dyn FnMut(&[u8]) + Send),
    ) -> BoxFuture<'a, Result<usize>> {
        async move {
            let Self { connection, topic, name } = self;
            let count = max.to_string();
            let words: Vec<&[u8]> = vec![
                b"XREADGROUP",
                b"GROUP",
                b"bench",
                name,
                b"COUNT",
                count.as_bytes(),
                b"BLOCK",
                b"200",
                b"STREAMS",
                topic,
                b">",
            ];
            let mut replies = connection.ask(&[words]).await?;
            let ids = entries(replies.pop(), handle);
            if ids.is_empty() {
                return Ok(0);
            }
            let ack = [&b"XACK"[..], topic, b"bench"].into_iter().chain(ids.iter().map(Vec::as_slice));
            // What is finished is removed, as in the embedded queue.
            let remove = [&b"XDEL"[..], topic].into_iter().chain(ids.iter().map(Vec::as_slice));
            connection.ask(&[ack.collect(), remove.collect()]).await?;
            Ok(ids.len())
        }
        .boxed()
    }
}

/// Hands out the payloads of a reply to XREADGROUP, and returns the ids: `[[topic, [[id, [p, payload]], …]]]`.
fn entries(reply: Option<Reply>, handle: &mut (dyn FnMut(&[u8]) + Send)) -> Vec<Vec<u8>> {
    let list = |reply: Option<Reply>| match reply {
        Some(Reply::List(list)) => list,
        _ => Vec::new(),
    };
    let stream = list(list(reply).pop());
    let mut ids = Vec::new();
    for entry in list(stream.into_iter().nth(1)) {
        let mut entry = list(Some(entry)).into_iter();
        let (Some(Reply::Text(id)), fields) = (entry.next(), entry.next()) else { continue };
        if let Some(Reply::Text(payload)) = list(fields).pop() {
            handle(&payload);
        }
        ids.push(id);
    }
    ids
}
