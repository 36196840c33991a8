//! What no generator writes: how the API wants its texts signed.
use chrono::{DateTime, TimeDelta, Utc};
use hmac::digest::Digest;
use hmac::digest::block_api::BlockSizeUser;
use hmac::{KeyInit, Mac, SimpleHmac};
use serde_json::{Value, json};

fn hmac<Hash: Digest + BlockSizeUser>(secret: &str, text: &str) -> SimpleHmac<Hash> {
    SimpleHmac::new_from_slice(secret.as_bytes()).expect("any length will do").chain_update(text)
}

/// The HMAC in hex, if the algorithm is a known one.
pub fn digest(algorithm: &str, secret: &str, text: &str) -> Option<String> {
    Some(match algorithm {
        "sha1" => hex::encode(hmac::<sha1::Sha1>(secret, text).finalize().into_bytes()),
        "sha256" => hex::encode(hmac::<sha2::Sha256>(secret, text).finalize().into_bytes()),
        "sha384" => hex::encode(hmac::<sha2::Sha384>(secret, text).finalize().into_bytes()),
        "sha512" => hex::encode(hmac::<sha2::Sha512>(secret, text).finalize().into_bytes()),
        _ => return None,
    })
}

/// JSON in ASCII: what is not becomes \uXXXX, one for each UTF-16 code unit.
pub fn encode(value: &Value) -> String {
    let escape = |unit| match unit {
        0..0x80 => char::from(unit as u8).to_string(),
        _ => format!("\\u{unit:04x}"),
    };
    value.to_string().encode_utf16().map(escape).collect()
}

pub fn expires(time: DateTime<Utc>) -> String {
    time.format("%Y/%m/%d %H:%M:%S+00:00").to_string()
}

/// Adds `auth`; gives the text to send and its signature.
pub fn sign(mut params: Value, key: &str, secret: &str) -> [String; 2] {
    let expires = expires(Utc::now() + TimeDelta::hours(1));
    let nonce = uuid::Uuid::new_v4().to_string();
    params["auth"] = json!({ "key": key, "expires": expires, "nonce": nonce });
    let text = encode(&params);
    let signature = digest("sha384", secret, &text).expect("a known algorithm");
    [text, format!("sha384:{signature}")]
}

/// Whether a Pingback is Transloadit's own; both digests are hashed once more, so that the time that
/// their comparison takes tells nothing.
pub fn genuine(text: &str, signature: &str, secret: &str) -> bool {
    let (algorithm, claimed) = signature.split_once(':').unwrap_or(("sha1", signature));
    let hashed = |digest: &str| hmac::<sha2::Sha256>("compare", digest).finalize();
    digest(algorithm, secret, text).is_some_and(|digest| hashed(&digest) == hashed(claimed))
}

fn percent(text: &str, kept: &str) -> String {
    let escape = |byte: u8| match char::from(byte) {
        plain if plain.is_ascii_alphanumeric() || kept.contains(plain) => plain.to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// Signs a Smart CDN URL: a path as encodeURIComponent writes it, a query as URLSearchParams does.
pub fn smart_cdn(
    [workspace, template, input]: [&str; 3], params: &[[String; 2]], key: &str, secret: &str, exp: i64,
) -> String {
    let own = params.iter().filter(|pair| !["sig", "auth_key", "exp"].contains(&pair[0].as_str()));
    let mut pairs: Vec<[String; 2]> = own.cloned().collect();
    pairs.extend([["auth_key".into(), key.into()], ["exp".into(), exp.to_string()]]);
    pairs.sort_by_cached_key(|pair| pair[0].encode_utf16().collect::<Vec<u16>>());
    let plus = |text: &str| percent(text, "*-._ ").replace(' ', "+");
    let query: Vec<String> = pairs.iter().map(|[k, v]| format!("{}={}", plus(k), plus(v))).collect();
    let part = |text| percent(text, "-_.!~*'()");
    let path = format!("{}/{}?{}", part(template), part(input), query.join("&"));
    let signature = digest("sha256", secret, &format!("{}/{path}", part(workspace))).unwrap_or_default();
    format!("https://{}.tlcdn.com/{path}&sig=sha256%3A{signature}", part(workspace))
}
