//! A server that says what it is told to say.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    thread::JoinHandle,
};

type Answered = (&'static str, &'static str);

/// A server that answers these requests, each with a status and a body; gives its address, and what it was sent.
pub fn server(answers: Vec<Answered>) -> (String, JoinHandle<Vec<String>>) {
    server_of_many(answers.into_iter().map(|answer| vec![answer]).collect())
}

/// A server that answers the requests of a group when all of them are there.
pub fn server_of_many(groups: Vec<Vec<Answered>>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let serve = move || {
        let mut seen = Vec::new();
        for answers in groups {
            let mut streams = Vec::new();
            for _ in &answers {
                let (stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut first, mut length) = (String::new(), 0);
                reader.read_line(&mut first).unwrap();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut sent = vec![0; length];
                reader.read_exact(&mut sent).unwrap();
                let target = first.trim_end().trim_end_matches(" HTTP/1.1");
                seen.push(format!("{target} {}", String::from_utf8(sent).unwrap()));
                streams.push(stream);
            }
            for (mut stream, (status, body)) in streams.into_iter().zip(answers) {
                let (head, size) = (format!("HTTP/1.1 {status}\r\nConnection: close"), body.len());
                write!(stream, "{head}\r\nContent-Length: {size}\r\n\r\n{body}").unwrap();
            }
        }
        seen
    };
    (url, std::thread::spawn(serve))
}
