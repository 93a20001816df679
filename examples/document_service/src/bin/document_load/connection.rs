//! One connection: requests that are ready to be sent, and just enough of the answers.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::request::Request;

/// More than a head.
const BUFFER: usize = 16 << 10;

/// What is remembered of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: bool,
}

/// Made when it is needed, and again after it was closed.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: vec![0; BUFFER] }
    }

    /// Sends a request and reads its answer to the end.
    pub(crate) async fn ask(&mut self, request: &Request) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        let (mut answer, mut keeps) = match request {
            Request::AtOnce(all) => {
                stream.write_all(all).await?;
                read(&mut stream, &mut self.buffer).await?
            }
            Request::AsksFirst { head, .. } => {
                stream.write_all(head).await?;
                read(&mut stream, &mut self.buffer).await?
            }
        };
        if let (Request::AsksFirst { body, .. }, 100) = (request, answer.status) {
            stream.write_all(body).await?;
            (answer, keeps) = read(&mut stream, &mut self.buffer).await?;
        }
        self.stream = keeps.then_some(stream);
        Ok(answer)
    }
}

async fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<(Answer, bool)> {
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..]).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled += count;
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(&buffer[..filled]).map_err(io::Error::other)?;
        let httparse::Status::Complete(head) = parsed else { continue };
        let header = |name: &str| {
            let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            header.and_then(|header| std::str::from_utf8(header.value).ok())
        };
        let length: usize = header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        let answer =
            Answer { status: response.code.unwrap_or(0), retry_after: header("retry-after").is_some() };
        let keeps = header("connection") != Some("close");
        let mut left = (head + length).saturating_sub(filled);
        while left > 0 {
            let count = stream.read(buffer).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            left = left.saturating_sub(count);
        }
        return Ok((answer, keeps));
    }
}
