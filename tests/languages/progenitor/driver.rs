mod conformance;
mod forms;
mod retries;
mod transloadit;
mod vectors;

use serde_json::{Value, from_slice, json, to_value};
use std::env::var;
use types::{AssemblyError, AssemblyStatus, CreateAssemblyForm, ReplayAssemblyForm, ReplayAssemblyNotificationForm};

progenitor::generate_api!("spec.json");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (key, secret) = (var("TRANSLOADIT_KEY")?, var("TRANSLOADIT_SECRET")?);
    let crashed = var("CRASHED_ASSEMBLY")?;
    let client = Client::new(&var("TRANSLOADIT_ENDPOINT")?);
    let mut signed: Vec<[String; 2]> = vec![];
    let mut ready = |params: Value| {
        signed.push(transloadit::sign(params, &key, &secret));
        signed[signed.len() - 1].clone()
    };

    let [params, signature] = ready(json!({
        "template_id": "resize-to-fit",
        "fields": { "caption": "Grüße, 日本 🎄" },
    }));
    let signature = Some(signature);
    let form = CreateAssemblyForm {
        params, signature, num_expected_upload_files: None, tus_num_expected_upload_files: None,
    };
    let created = client.create_assembly(&form).await?.into_inner();
    let id = created.assembly_id.ok_or("no id")?; // each operation has a type of its own for it
    let status = client.get_assembly(&id.parse()?).await?.into_inner();
    let uploads: Vec<_> = status.uploads.iter().flatten().map(|file| file.as_ref().map(|it| &it.name)).collect();
    let cancelled = client.cancel_assembly(&id.parse()?).await?.into_inner();
    let [params, signature] = ready(json!({ "reparse_template": 0 }));
    let form = ReplayAssemblyForm { params, signature: Some(signature) };
    let replayed = client.replay_assembly(&crashed.parse()?, &form).await?.into_inner();
    let [params, signature] = ready(json!({}));
    let form = ReplayAssemblyNotificationForm { params, signature: Some(signature) };
    let notified = client.replay_assembly_notification(&crashed.parse()?, &form).await?.into_inner();
    let [params, signature] = ready(json!({ "reparse_template": 0 }));
    let form = ReplayAssemblyForm { params, signature: Some(signature) };
    let error = match client.replay_assembly(&id.parse()?, &form).await {
        Err(Error::ErrorResponse(refusal)) => refusal.into_inner().error,
        other => Err(format!("{other:?}"))?,
    };

    println!("{}", json!({
        "assembly_id": id, "created": created.ok, "status": status.ok, "uploads": uploads,
        "cancelled": cancelled.ok, "replayed": replayed.assembly_id, "notified": notified.ok,
        "error": error, "signed": signed, "vectors": vectors::vectors(
            |body| to_value(from_slice::<AssemblyStatus>(body).ok()?).ok(),
            |body| to_value(from_slice::<AssemblyError>(body).ok()?).ok(),
        ),
    }));
    Ok(())
}
