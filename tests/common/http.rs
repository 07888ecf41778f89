//! A small HTTP client: one request a connection, and answers read to their end.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// However long an answer may take: a browser's first page is made on a busy machine, too.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The head, as it came.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; `Null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The code of an error.
    pub fn code(&self) -> String {
        let json = self.json();
        json["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

/// Gets a path.
pub fn get(to: SocketAddr, path: &str) -> Answer {
    ask(to, "GET", path, "", b"").unwrap_or_else(|error| panic!("GET {path}: {error}"))
}

/// Sends a request, with more lines of its head, and reads the answer.
pub fn ask(
    to: SocketAddr,
    method: &str,
    path: &str,
    lines: &str,
    body: &[u8],
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let host = match lines.to_ascii_lowercase().starts_with("host:") {
        true => String::new(),
        false => format!("Host: {to}\r\n"),
    };
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\n{host}{lines}Connection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    read(&mut stream)
}

/// Reads one answer, to the end of its body or of the connection.
pub fn read(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    let mut part = [0; 16 * 1024];
    loop {
        if let Some(answer) = parse(&bytes) {
            return Ok(answer);
        }
        match stream.read(&mut part)? {
            0 => return parse_closed(&bytes).ok_or_else(|| io::ErrorKind::UnexpectedEof.into()),
            read => bytes.extend_from_slice(&part[..read]),
        }
    }
}

fn split(bytes: &[u8]) -> Option<(Answer, &[u8])> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let answer = Answer {
        status,
        head,
        body: Vec::new(),
    };
    Some((answer, &bytes[end + 4..]))
}

fn parse_closed(bytes: &[u8]) -> Option<Answer> {
    let (mut answer, body) = split(bytes)?;
    answer.body = body.to_vec();
    Some(answer)
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let (mut answer, mut body) = split(bytes)?;
    if let Some(length) = answer.header("content-length") {
        let length: usize = length.parse().ok()?;
        answer.body = body.get(..length)?.to_vec();
        return Some(answer);
    }
    if answer.header("transfer-encoding") != Some("chunked") {
        return None;
    }
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).ok()?, 16).ok()?;
        let chunk = body.get(end + 2..end + 2 + size)?;
        if size == 0 {
            return Some(answer);
        }
        answer.body.extend_from_slice(chunk);
        body = body.get(end + 2 + size + 2..)?;
    }
}
