#[path = "standin.rs"]
mod standin;

use crate::conformance::{events, file_name, given, goes_to, metadata, resumes, state};
use crate::forms::read_form;
use crate::retries::{body_of, decisions, phase, wait};
use crate::transloadit::{digest, encode, expires, genuine, smart_cdn};
use chrono::DateTime;
use serde_json::{Map, Value, from_str, from_value, json};

/// Reads a body with a generated type, and gives it back as JSON; None: it cannot.
pub type Read = fn(&[u8]) -> Option<Value>;

fn rows(kind: &str) -> Vec<Value> {
    let path = format!("{}/{kind}.json", std::env::var("VECTORS").expect("VECTORS"));
    let mut document: Value = from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON");
    from_value(document["rows"].take()).expect("a list")
}

/// Whether the generated types read an answer as the row says.
fn reads(row: &Value, status: Read, refusal: Read) -> bool {
    let (expected, body) = (&row["reads_as"], body_of(row));
    match expected["as"].as_str() {
        Some("status") => {
            status(&body).is_some_and(|read| state(&read["ok"], given(&read["error"])) == expected["state"])
        }
        Some("refusal") => refusal(&body).is_some_and(|read| {
            let text = |key: &str| read[key].as_str().filter(|text| !text.is_empty()).map(Value::from);
            text("error").or(text("code")).unwrap_or_default() == expected["code"]
        }),
        _ => status(&body).is_none_or(|read| !read["assembly_id"].is_string()),
    }
}

fn retried(row: &Value) -> bool {
    let steps = row["history"].as_array().expect("steps");
    let guard = row["guard"].as_str().expect("a guard");
    let outcomes: Vec<Value> = steps.iter().map(|step| step["outcome"].clone()).collect();
    let next: Vec<&Value> = steps.iter().map(|step| &step["next"]).collect();
    let waits = steps.iter().enumerate().all(|(index, step)| match &step["wait"] {
        Value::Null => true,
        bounds => from_value::<[f64; 2]>(bounds.clone()).expect("bounds") == wait(&step["outcome"], guard, index + 1),
    });
    waits && decisions(guard, row["attempts"].as_i64().expect("a number"), &outcomes) == next
}

/// Whether each row holds here.
pub fn vectors(status: Read, refusal: Read) -> Map<String, Value> {
    let mut held = Map::new();
    held.insert("faults/asked for".to_owned(), standin::meets_a_fault().into());
    let kinds = [
        "signing", "encoding", "expires", "smart_cdn", "pingbacks", "answers", "states", "hosts", "tus", "events",
        "retries", "codes", "names",
    ];
    for kind in kinds {
        for row in rows(kind) {
            let text = |key: &str| row[key].as_str().unwrap_or_default();
            let list = |key: &str| row[key].as_array().cloned().unwrap_or_default();
            if row["needs"].is_array() {
                continue; // no String holds half a surrogate pair, no i64 any integer; the library knows no normal forms
            }
            let good = match kind {
                "signing" => {
                    let hex = digest(text("algorithm"), text("secret"), text("params"));
                    text("signature") == format!("{}:{}", text("algorithm"), hex.unwrap_or_default())
                }
                "encoding" => {
                    let encoded = encode(&from_str(text("json")).expect("JSON"));
                    let parsed: Value = from_str(&encoded).expect("JSON");
                    encoded.is_ascii() && parsed == from_str::<Value>(text("text")).expect("JSON")
                }
                "expires" => {
                    let time = DateTime::parse_from_rfc3339(text("time")).expect("a time");
                    expires(time.to_utc()) == text("slashes")
                }
                "smart_cdn" => {
                    let path = [text("workspace"), text("template"), text("input")];
                    let params: Vec<[String; 2]> = from_value(row["params"].clone()).expect("pairs");
                    let exp = row["exp"].as_i64().expect("a number");
                    smart_cdn(path, &params, text("auth_key"), text("secret"), exp) == text("url")
                }
                "pingbacks" if row["body_base64"].is_string() => {
                    let form = read_form(&body_of(&row), text("content_type")).unwrap_or_default();
                    let [status, signature] = ["transloadit", "signature"].map(|name| form.get(name));
                    let signature = signature.map_or("", String::as_str);
                    row["accept"] == status.is_some_and(|status| genuine(status, signature, text("secret")))
                }
                "pingbacks" => row["accept"] == genuine(text("transloadit"), text("signature"), text("secret")),
                "answers" => reads(&row, status, refusal),
                "states" => state(&row["status"]["ok"], given(&row["status"]["error"])) == text("state"),
                "hosts" => {
                    let target = goes_to(text("url"), text("base_url"), &list("trusted_hosts"));
                    target.map_or(Value::Null, Value::from) == row["goes_to"]
                }
                "tus" if row["metadata"].is_object() => {
                    let mut pairs: Vec<&str> = text("header").split(',').collect();
                    pairs.sort();
                    metadata(&row["metadata"]) == pairs
                }
                "tus" => *resumes(&row["file"], &list("tus_uploads")) == row["resumes"],
                "events" => events(text("stream")) == list("events"),
                "codes" => {
                    let body = json!({ "error": row["code"] }).to_string();
                    let refusal = json!({ "kind": "answer", "http_status": row["http_status"], "body": body });
                    match text("says") {
                        "state" => state(&row["code"], false) != "failed",
                        "failed" => state(&Value::Null, true) == "failed",
                        says => phase(&refusal, "nonce", false) == says,
                    }
                }
                "names" => file_name(&from_str(text("given")).expect("JSON")) == text("file_name"),
                _ => retried(&row),
            };
            let name = if kind == "codes" { text("code") } else { text("name") };
            held.insert(format!("{kind}/{name}"), good.into());
        }
    }
    held
}
