use std::env::var;
use std::io::{Read, Write};
use std::net::TcpStream;

/// Asks the stand-in's admin API for a fault, as any program can, and whether the next request meets it.
pub fn meets_a_fault() -> bool {
    let crashed = var("CRASHED_ASSEMBLY").expect("CRASHED_ASSEMBLY");
    let fault = r#"{"kind": "unavailable", "operation": "getAssembly"}"#;
    status("POST", "/_standin/faults", fault).as_deref() == Some("201")
        && status("GET", &format!("/assemblies/{crashed}"), "").as_deref() == Some("503")
}

/// HTTP by hand: the clients' own library is asynchronous.
fn status(method: &str, path: &str, body: &str) -> Option<String> {
    let endpoint = var("TRANSLOADIT_ENDPOINT").ok()?;
    let host = endpoint.strip_prefix("http://")?;
    let mut connection = TcpStream::connect(host).ok()?;
    let length = body.len();
    write!(
        connection,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).ok()?;
    Some(answer.split(' ').nth(1)?.to_owned())
}
