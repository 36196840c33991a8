//! What a client in any language decides: states, hosts, uploads, events; without any network.
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::net::IpAddr;

const FINAL: [&str; 3] = ["ASSEMBLY_COMPLETED", "ASSEMBLY_CANCELED", "REQUEST_ABORTED"];

/// Any error ends an Assembly, and what nobody knows yet is busy.
pub fn state(ok: &Value, failed: bool) -> &'static str {
    match ok.as_str() {
        _ if failed => "failed",
        Some(ok) if FINAL.contains(&ok) => "done",
        _ => "busy",
    }
}

/// Whether there is something other than null and an empty text.
pub fn given(value: &Value) -> bool {
    !value.is_null() && value != ""
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|ip| ip.is_loopback())
}

fn is_service(host: &str) -> bool {
    let instance = host.strip_prefix("api2").and_then(|rest| rest.strip_suffix(".transloadit.com"));
    instance.is_some_and(|label| label.is_empty() || label.len() > 1 && label.starts_with('-') && !label.contains('.'))
}

/// An origin's scheme, host and port.
fn parts(origin: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = origin.split_once("://")?;
    let end = if rest.starts_with('[') { rest.find(']')? + 1 } else { rest.find(':').unwrap_or(rest.len()) };
    Some((scheme, &rest[..end], &rest[end..]))
}

/// Where a request about an Assembly goes whose URL this is; None: nowhere.
pub fn goes_to(url: &str, base: &str, trusted: &[Value]) -> Option<String> {
    let (origin, id) = url.split_once("/assemblies/")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    let (scheme, host, port) = parts(origin)?;
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let good_host = match bare {
        Some(address) => !address.is_empty() && address.chars().all(|c| "0123456789abcdef:".contains(c)),
        None => !host.is_empty() && host.chars().all(plain),
    };
    let digits = port.strip_prefix(':');
    let good_port = port.is_empty()
        || digits.is_some_and(|d| (1..=5).contains(&d.len()) && d.chars().all(|c| c.is_ascii_digit()));
    let good_id = (1..=128).contains(&id.len())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    if !["http", "https"].contains(&scheme) || !good_host || !good_port || !good_id {
        return None;
    }
    if port.is_empty() && (is_service(host) || trusted.iter().any(|one| one == host)) {
        return Some(format!("https://{host}/assemblies/{id}"));
    }
    let (_, base_host, _) = parts(base)?;
    let known = origin == base || is_loopback(host) && is_loopback(base_host);
    known.then(|| format!("{origin}/assemblies/{id}"))
}

/// The header Upload-Metadata, its pairs sorted.
pub fn metadata(pairs: &Value) -> Vec<String> {
    let pairs = pairs.as_object().expect("pairs");
    let written = pairs.iter().map(|(key, value)| {
        format!("{key} {}", BASE64_STANDARD.encode(value.as_str().expect("a text")))
    });
    let mut sorted: Vec<String> = written.collect();
    sorted.sort();
    sorted
}

/// The upload to go on with; null: none.
pub fn resumes<'a>(file: &Value, uploads: &'a [Value]) -> &'a Value {
    let same = |upload: &&Value| {
        upload["fieldname"] == file["field"] && upload["filename"] == file["name"] && upload["size"] == file["size"]
    };
    uploads.iter().find(same).map_or(&Value::Null, |upload| &upload["upload_url"])
}

/// The events of a stream, as the WHATWG standard reads it.
pub fn events(stream: &str) -> Vec<Value> {
    let mut found = vec![];
    let (mut name, mut data) = (String::new(), Vec::<String>::new());
    let text = stream.replace("\r\n", "\n").replace('\r', "\n");
    let Some((text, _)) = text.rsplit_once('\n') else { return found };
    for line in text.split('\n') {
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match key {
            "" if line.is_empty() => {
                if !data.is_empty() {
                    let event = if name.is_empty() { "message" } else { &name };
                    found.push(json!({ "event": event, "data": data.join("\n") }));
                }
                (name, data) = (String::new(), vec![]);
            }
            "event" => name = value.into(),
            "data" => data.push(value.into()),
            _ => {}
        }
    }
    found
}

/// Control characters, marks of direction and the like, and what Windows forbids; the library knows no categories.
fn is_unsafe(c: char) -> bool {
    let hidden = matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    hidden || c.is_control() || "<>:\"/\\|?*".contains(c)
}

/// The name to write a file under; `file` for what has none.
pub fn file_name(given: &Value) -> String {
    let text = given.as_str().unwrap_or_default();
    let name: String = text.chars().map(|c| if is_unsafe(c) { '_' } else { c }).collect();
    let name = name.trim_start_matches(' ').trim_end_matches(['.', ' ']);
    if name.is_empty() {
        return "file".into();
    }
    let first = name.split('.').next().unwrap_or_default().trim_end_matches(' ').to_uppercase();
    let port = first.strip_prefix("COM").or(first.strip_prefix("LPT"));
    let device = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&first.as_str())
        || port.is_some_and(|n| n.chars().count() == 1 && "0123456789¹²³".contains(n));
    let name = if first.is_empty() || device { format!("_{name}") } else { name.into() };
    let (stem, suffix) = match name.rfind('.') {
        Some(at) if at > 0 && name[at..].chars().count() <= 33 => name.split_at(at),
        _ => (name.as_str(), ""),
    };
    let mut kept = stem.to_string();
    while kept.len() + suffix.len() > 200 {
        kept.pop();
    }
    format!("{kept}{suffix}").trim_end_matches(['.', ' ']).into()
}
