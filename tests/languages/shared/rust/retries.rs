//! Which failures may be repeated, and with which bytes: the rules of retries.json.
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, from_slice};

use crate::conformance::given;

const ASKED: &str = "7828446e5acd4aa996dce3455ec914e9";

/// What these codes say of a request, whatever HTTP status they come with.
fn says(code: &str) -> Option<&'static str> {
    Some(match code {
        "RATE_LIMIT_REACHED" | "ASSEMBLY_STATUS_FETCHING_RATE_LIMIT_REACHED" => "limited",
        "AUTH_EXPIRED" => "expired",
        "SIGNATURE_REUSE_DETECTED" | "DO_NOT_REUSE_ASSEMBLY_IDS" => "used",
        "GET_ACCOUNT_UNKNOWN_AUTH_KEY" | "INSUFFICIENT_AUTH_SCOPE" | "INVALID_PARAMS_FIELD"
        | "INVALID_AUTH_EXPIRES_PARAMETER" | "INVALID_SIGNATURE" | "NO_AUTH_EXPIRES_PARAMETER"
        | "NO_PARAMS_FIELD" | "NO_SIGNATURE_FIELD" | "TEMPLATE_DENIES_STEPS_OVERRIDE"
        | "TEMPLATE_NOT_FOUND" => "refused",
        _ => return None,
    })
}

/// The bytes of a body that stands there as a text, or in base64.
pub fn body_of(row: &Value) -> Vec<u8> {
    match row["body_base64"].as_str() {
        Some(text) => BASE64_STANDARD.decode(text).expect("base64"),
        None => row["body"].as_str().unwrap_or_default().into(),
    }
}

/// The JSON object in an answer; null if there is none.
fn answer_of(outcome: &Value) -> Value {
    from_slice(&body_of(outcome)).ok().filter(Value::is_object).unwrap_or_default()
}

fn is_unsigned(guard: &str) -> bool {
    guard == "harmless" || guard == "twice is once"
}

/// How far an attempt came: done, or how it failed.
pub fn phase(outcome: &Value, guard: &str, looking: bool) -> &'static str {
    match outcome["kind"].as_str() {
        Some("not sent") => return "not sent",
        Some("lost") => return "unknown",
        Some("answer") => {}
        _ => return "refused",
    }
    let status = outcome["http_status"].as_i64().unwrap_or_default();
    let data = answer_of(outcome);
    let limited = status == 423 || status == 429;
    if data.is_null() {
        return if limited { "limited" } else { by_status(status, true) };
    }
    let about = &data["assembly_id"];
    if (is_unsigned(guard) || guard == "own id") && given(about) && about != ASKED {
        return "unknown"; // an answer about another Assembly
    }
    let reads = is_unsigned(guard) && !looking;
    if status < 400 && (!given(&data["error"]) || reads && given(about)) {
        let known = given(about) || !reads && given(&data["ok"]);
        let waits = looking && data["ok"] == "ASSEMBLY_UPLOADING";
        return if known && !waits { "done" } else { by_status(status, true) };
    }
    let code = data["error"].as_str().or(data["code"].as_str()).unwrap_or_default();
    match says(code) {
        Some(phase) => phase,
        None if limited => "limited",
        None if given(about) && !is_unsigned(guard) => "refused", // the Assembly is there, and has failed
        None if guard == "own id" && ["ASSEMBLY_NOT_FOUND", "SERVER_404"].contains(&code) => "unknown",
        None => by_status(status, false),
    }
}

fn by_status(status: i64, unreadable: bool) -> &'static str {
    if status >= 500 || unreadable && status < 300 { "unknown" } else { "refused" }
}

fn step_after(came: &str, guard: &str, doubt: bool) -> &'static str {
    match (came, guard) {
        ("refused" | "expired", "own id") if doubt => "look",
        ("refused" | "used" | "expired", "nonce") if doubt => "report",
        (_, "nonce") if doubt => "same",
        ("used" | "unknown", "own id") => "look",
        ("unknown", "nothing") => "report",
        ("unknown" | "not sent", _) => "same",
        ("limited" | "expired", _) => "anew",
        _ => "stop",
    }
}

/// What follows each outcome.
pub fn decisions(guard: &str, attempts: i64, outcomes: &[Value]) -> Vec<&'static str> {
    let mut done = vec![];
    let mut left = outcomes.iter();
    let (mut doubt, mut corrected, mut clock) = (false, false, 0);
    for number in 1..=attempts {
        let outcome = left.next().expect("an outcome");
        let mut came = phase(outcome, guard, false);
        if came == "done" {
            done.push("done");
            break;
        }
        if came == "expired" {
            let off = outcome["clock_is_off_by"].as_i64().unwrap_or_default();
            corrected = !corrected && (off - clock).abs() >= 30;
            if corrected { clock = off } else { came = "refused" }
        }
        doubt |= came == "unknown" && guard != "harmless";
        if came == "refused" && guard == "twice is once" {
            doubt = false; // the refusal says how things stand
        }
        let mut step = step_after(came, guard, doubt);
        if step == "look" {
            let (found, looks) = look(attempts, &mut left);
            done.extend(vec!["look"; looks]);
            if found != "missing" {
                done.push(found);
                break;
            }
            doubt = came != "refused";
            step = match came { "unknown" => "same", "refused" => "stop", _ => "anew" };
        }
        if step == "stop" || step == "report" || number == attempts {
            done.push(if doubt { "report" } else { "stop" });
            break;
        }
        done.push(if is_unsigned(guard) { "same" } else { step });
    }
    done
}

/// Reads the status until something is known; gives how that ends, and how many reads it took.
fn look<'a>(attempts: i64, left: &mut impl Iterator<Item = &'a Value>) -> (&'static str, usize) {
    let mut reads = 0;
    loop {
        reads += 1;
        let outcome = left.next().expect("an outcome");
        let (came, data) = (phase(outcome, "harmless", true), answer_of(outcome));
        let end = match came {
            "done" if data["ok"] != "REQUEST_ABORTED" => "done",
            "refused" if data["error"] == "ASSEMBLY_NOT_FOUND" => "missing",
            "done" => "stop",
            _ if data["assembly_id"] == ASKED => "stop", // it is there, and has failed
            "refused" | "used" => "report",
            _ if reads as i64 == attempts => "report",
            _ => continue,
        };
        return (end, reads);
    }
}

/// The least and the most seconds to wait after attempt `number`.
pub fn wait(outcome: &Value, guard: &str, number: usize) -> [f64; 2] {
    let told = answer_of(outcome)["info"]["retryIn"].as_f64().filter(|seconds| *seconds >= 0.0);
    let header = outcome["headers"]["Retry-After"].as_str().and_then(|text| text.parse().ok());
    let asked = told.or(header);
    let backoff = (0.5 * 2f64.powi(number as i32 - 1)).min(30.0);
    if phase(outcome, guard, false) != "limited" {
        return [asked.unwrap_or_default(), backoff.max(asked.unwrap_or_default())];
    }
    let least = asked.unwrap_or(backoff).max(1.0);
    [least, least + 0.5]
}
