//! As much of Redis' protocol as the benchmark speaks: arrays of texts go out, replies come in.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::failure::{Failure, Result};

const NAME: &str = "redis";

/// A reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Nothing,
    Text(Vec<u8>),
    Number(i64),
    List(Vec<Reply>),
}

/// A connection.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(super) async fn open(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends commands at once, and reads the reply of each.
    pub(super) async fn ask(&mut self, commands: &[Vec<&[u8]>]) -> Result<Vec<Reply>> {
        let mut bytes = Vec::new();
        for command in commands {
            bytes.extend(format!("*{}\r\n", command.len()).bytes());
            for word in command {
                bytes.extend(format!("${}\r\n", word.len()).bytes());
                bytes.extend_from_slice(word);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        self.stream.get_mut().write_all(&bytes).await.map_err(Failure::io("write to redis"))?;
        let mut replies = Vec::with_capacity(commands.len());
        for _ in commands {
            replies.push(self.reply().await?);
        }
        Ok(replies)
    }

    fn reply(&mut self) -> BoxFuture<'_, Result<Reply>> {
        async move {
            let mut line = String::new();
            self.stream.read_line(&mut line).await.map_err(Failure::io("read from redis"))?;
            let line = line.trim_end();
            let (kind, rest) = line.split_at_checked(1).ok_or_else(|| wrong(line))?;
            let number = || rest.parse::<i64>().map_err(|_| wrong(line));
            match kind {
                "+" => Ok(Reply::Text(rest.as_bytes().to_vec())),
                ":" => Ok(Reply::Number(number()?)),
                "$" => {
                    let Ok(len) = usize::try_from(number()?) else { return Ok(Reply::Nothing) };
                    let mut bytes = vec![0; len + 2];
                    self.stream.read_exact(&mut bytes).await.map_err(Failure::io("read from redis"))?;
                    bytes.truncate(len);
                    Ok(Reply::Text(bytes))
                }
                "*" => {
                    let Ok(len) = usize::try_from(number()?) else { return Ok(Reply::Nothing) };
                    let mut list = Vec::with_capacity(len);
                    for _ in 0..len {
                        list.push(self.reply().await?);
                    }
                    Ok(Reply::List(list))
                }
                _ => Err(wrong(line)),
            }
        }
        .boxed()
    }
}

fn wrong(line: &str) -> Failure {
    Failure::engine(NAME)(line.to_owned())
}
