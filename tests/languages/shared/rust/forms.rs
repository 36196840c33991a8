//! Reads the form of a Pingback: what two servers could read differently is refused, not guessed.
use std::collections::HashMap;

const MOST: usize = 100;
pub type Form = HashMap<String, String>;

/// A header's value, its first option's name and its value, in lower case but for the last.
fn kind_of(content_type: &str) -> Option<(String, String, String)> {
    let (kind, option) = content_type.split_once(';').unwrap_or((content_type, ""));
    let (name, value) = option.split_once('=').unwrap_or((option, ""));
    let value = value.trim_end();
    let value = value.strip_prefix('"').map_or(Some(value), |rest| rest.strip_suffix('"'))?;
    let plain = value.len() <= 70 && !value.contains(['"', '\\', ';', '\r', '\n']);
    plain.then(|| (kind.trim().to_lowercase(), name.trim().to_lowercase(), value.into()))
}

/// The two fields of a form, decoded; None: it is none, or can be read in two ways.
pub fn read_form(body: &[u8], content_type: &str) -> Option<Form> {
    let (kind, option, value) = kind_of(content_type)?;
    match (kind.as_str(), option.as_str()) {
        ("application/x-www-form-urlencoded", "" | "charset") => urlencoded(body, &value),
        ("multipart/form-data", "boundary") if !value.is_empty() => multipart(body, &value),
        _ => None,
    }
}

/// Adds one of the two fields that count.
fn keep(form: &mut Form, name: &[u8], content: &[u8], charset: &str) -> Option<()> {
    if ![b"transloadit".as_slice(), b"signature"].contains(&name) {
        return Some(());
    }
    let known = ["", "utf-8", "utf8"].contains(&charset.to_lowercase().as_str());
    let text = String::from_utf8(content.into()).ok().filter(|text| known || text.is_ascii())?;
    form.insert(String::from_utf8(name.into()).ok()?, text).is_none().then_some(())
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let (mut bytes, mut at) = (vec![], 0);
    while at < text.len() {
        let digits = text.get(at + 1..at + 3).filter(|_| text[at] == b'%');
        let hex = digits.filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        match hex.and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()) {
            Some(byte) => (bytes.push(byte), at += 3),
            None => (bytes.push(if text[at] == b'+' { b' ' } else { text[at] }), at += 1),
        };
    }
    bytes
}

fn urlencoded(body: &[u8], charset: &str) -> Option<Form> {
    let mut form = Form::new();
    let pairs: Vec<&[u8]> = body.split(|byte| *byte == b'&').collect();
    for pair in pairs.iter().take(MOST) {
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let value = pair.get(end + 1..).unwrap_or_default();
        keep(&mut form, &decoded(&pair[..end]), &decoded(value), charset)?;
    }
    (pairs.len() <= MOST).then_some(form)
}

/// Where a text begins in another; None: it is not in there.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn multipart(body: &[u8], boundary: &str) -> Option<Form> {
    let mut form = Form::new();
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let mut rest = body.strip_prefix(&delimiter[2..])?;
    for _ in 0..=MOST {
        if rest.starts_with(b"--") {
            return Some(form);
        }
        let end = find(rest, &delimiter)?;
        read_part(&mut form, &rest[..end], &delimiter[2..])?;
        rest = &rest[end + delimiter.len()..];
    }
    None
}

/// The name of a field, and whether it is a file.
fn field_of(disposition: &str) -> Option<(String, bool)> {
    let mut options = disposition.split(';').map(str::trim);
    let value = |option: &str, key: &str| {
        let (name, value) = option.split_once('=')?;
        let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let bare = |text: &&str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        let text = quoted.or(Some(value).filter(bare))?;
        (name.eq_ignore_ascii_case(key) && !text.contains(['"', '\\'])).then(|| text.to_string())
    };
    options.next().filter(|kind| kind.eq_ignore_ascii_case("form-data"))?;
    let name = value(options.next()?, "name")?;
    let file = options.next().map(|option| value(option, "filename"));
    (options.next().is_none() && file != Some(None)).then_some((name, file.is_some()))
}

fn read_part(form: &mut Form, part: &[u8], boundary: &[u8]) -> Option<()> {
    let (end, head) = (find(part, b"\r\n\r\n")?, part.strip_prefix(b"\r\n")?);
    let content = &part[end + 4..];
    let lines: Vec<&str> = std::str::from_utf8(&head[..end.checked_sub(2)?]).ok()?.split("\r\n").collect();
    let pairs = lines.iter().filter_map(|line| line.split_once(':'));
    let headers: HashMap<_, _> = pairs.map(|(name, value)| (name.to_lowercase(), value.trim())).collect();
    let header = |name: &str| headers.get(name).copied().unwrap_or_default();
    let (name, is_file) = field_of(header("content-disposition"))?;
    let encoding = header("content-transfer-encoding").to_lowercase();
    // A part ends at CR LF and the boundary; some also end it where one of the two is missing.
    let halves = [b"\n", content].concat().iter().map(|b| if *b == b'\r' { b'\n' } else { *b }).collect::<Vec<u8>>();
    let again = find(&halves, &[b"\n", boundary].concat()).is_some();
    if lines.len() > headers.len().min(8) || !["", "7bit", "8bit", "binary"].contains(&encoding.as_str()) || again {
        return None;
    }
    if is_file {
        return (name != "transloadit" && name != "signature").then_some(());
    }
    let kind = header("content-type").to_lowercase();
    let charset = kind.split_once("charset=").map_or("", |(_, value)| value.trim_matches('"'));
    keep(form, name.as_bytes(), content, charset)
}
