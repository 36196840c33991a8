mod conformance;
mod forms;
mod retries;
mod transloadit;
mod vectors;

use api::apis::assemblies_api::{
    ReplayAssemblyError, cancel_assembly, create_assembly, get_assembly, replay_assembly,
};
use api::apis::assembly_notifications_api::replay_assembly_notification;
use api::apis::{Error, configuration::Configuration};
use api::models::{AssemblyError, AssemblyStatus};
use serde_json::{Value, from_slice, json, to_value};
use std::env::var;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (key, secret) = (var("TRANSLOADIT_KEY")?, var("TRANSLOADIT_SECRET")?);
    let crashed = var("CRASHED_ASSEMBLY")?;
    let config = Configuration { base_path: var("TRANSLOADIT_ENDPOINT")?, ..Default::default() };
    let mut signed: Vec<[String; 2]> = vec![];
    let mut ready = |params: Value| {
        signed.push(transloadit::sign(params, &key, &secret));
        signed[signed.len() - 1].clone()
    };

    let [params, signature] = ready(json!({
        "template_id": "resize-to-fit",
        "fields": { "caption": "Grüße, 日本 🎄" },
    }));
    let files = vec!["one.txt".into(), "two.txt".into()];
    let created =
        create_assembly(&config, &params, Some(&signature), None, None, Some(files)).await?;
    let id = created.assembly_id.flatten().ok_or("no id")?;
    let status = get_assembly(&config, &id).await?;
    let uploads = status.uploads.flatten().unwrap_or_default();
    let uploads: Vec<_> = uploads.into_iter().map(|file| file.name.flatten()).collect();
    let cancelled = cancel_assembly(&config, &id).await?;
    let [params, signature] = ready(json!({ "reparse_template": 0 }));
    let replayed = replay_assembly(&config, &crashed, &params, Some(&signature)).await?;
    let [params, signature] = ready(json!({}));
    let notified =
        replay_assembly_notification(&config, &crashed, &params, Some(&signature)).await?;
    let [params, signature] = ready(json!({ "reparse_template": 0 }));
    let error = match replay_assembly(&config, &id, &params, Some(&signature)).await {
        Err(Error::ResponseError(answer)) => match answer.entity {
            Some(ReplayAssemblyError::Status400(refusal)) => refusal.error.flatten(),
            other => Err(format!("{other:?}"))?,
        },
        other => Err(format!("{other:?}"))?,
    };

    println!("{}", json!({
        "assembly_id": id, "created": created.ok.flatten(), "status": status.ok.flatten(),
        "uploads": uploads, "cancelled": cancelled.ok.flatten(),
        "replayed": replayed.assembly_id.flatten(), "notified": notified.ok.flatten(),
        "error": error, "signed": signed, "vectors": vectors::vectors(
            |body| to_value(from_slice::<AssemblyStatus>(body).ok()?).ok(),
            |body| to_value(from_slice::<AssemblyError>(body).ok()?).ok(),
        ),
    }));
    Ok(())
}
