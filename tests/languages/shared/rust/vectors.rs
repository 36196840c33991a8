use crate::transloadit::{digest, encode, genuine, smart_cdn};
use serde_json::{Map, Value, from_str, from_value};

fn rows(kind: &str) -> Vec<Value> {
    let path = format!("{}/{kind}.json", std::env::var("VECTORS").expect("VECTORS"));
    let mut document: Value = from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON");
    from_value(document["rows"].take()).expect("a list")
}

/// Whether each row holds here.
pub fn vectors() -> Map<String, Value> {
    let mut held = Map::new();
    for kind in ["signing", "encoding", "smart_cdn", "pingbacks"] {
        for row in rows(kind) {
            let text = |key: &str| row[key].as_str().unwrap_or_default();
            if row["needs"].is_array() {
                continue; // no String holds half a surrogate pair, no i64 any integer
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
                "smart_cdn" => {
                    let path = [text("workspace"), text("template"), text("input")];
                    let params: Vec<[String; 2]> = from_value(row["params"].clone()).expect("pairs");
                    let exp = row["exp"].as_i64().expect("a number");
                    smart_cdn(path, &params, text("auth_key"), text("secret"), exp) == text("url")
                }
                _ => row["accept"] == genuine(text("transloadit"), text("signature"), text("secret")),
            };
            held.insert(format!("{kind}/{}", text("name")), good.into());
        }
    }
    held
}
