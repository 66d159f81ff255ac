//! Any sequence of requests, made from the API's own tables, right and wrong ones.
//!
//! After each: no 5xx, an answer that the OpenAPI document describes, and a store that keeps its invariants. What was
//! sent depends on the seed and on the answers only; a failing run names the command that repeats it.

mod generate;
mod invariants;
pub mod schema;

use std::time::Duration;

use bessemer::api::surface::openapi;
use bessemer::store::Store;

use self::generate::{Asked, Generator};
use self::schema::Document;
use super::service::{Client, Outcome, Reply, Service};

/// Requests of one sequence.
const STEPS: usize = 120;
/// Sequences of a run that names no seed.
const SEEDS: std::ops::Range<u64> = 0..12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_sequence_of_requests_is_answered_as_described_and_keeps_the_invariants() -> Outcome {
    let only = std::env::var("BESSEMER_SEED").ok().and_then(|text| text.parse::<u64>().ok());
    let seeds: Vec<u64> = only.map_or_else(|| SEEDS.collect(), |seed| vec![seed]);
    for seed in seeds {
        let sequence = tokio::time::timeout(Duration::from_secs(600), sequence(seed));
        let why = match sequence.await {
            Ok(Ok(())) => continue,
            Ok(Err(why)) => why.to_string(),
            Err(_) => "the sequence did not end".to_owned(),
        };
        return Err(format!("{why}\nagain: BESSEMER_SEED={seed} cargo test --test it any_sequence").into());
    }
    Ok(())
}

async fn sequence(seed: u64) -> Outcome {
    let service = Service::start().await?;
    let document = Document::new(openapi::document());
    let mut client = Client::new(service.address);
    let mut generator = Generator::new(seed);
    let mut log: Vec<String> = Vec::new();
    for _ in 0..STEPS {
        let asked = generator.next();
        let reply = client.call(&asked.version, asked.method, &asked.path, asked.body.clone()).await?;
        log.push(format!("{} {asked}", reply.status));
        let tail = || log[log.len().saturating_sub(8)..].join("\n");
        if let Err(why) = judged(&document, &asked, &reply) {
            return Err(format!("{why}\n{reply:?}\nthe last requests:\n{}", tail()).into());
        }
        generator.learn(&asked, &reply);
        let breaches = lasting(&service.store).await?;
        if !breaches.is_empty() {
            return Err(format!("{}\nthe last requests:\n{}", breaches.join("\n"), tail()).into());
        }
    }
    invariants::histories(&service).await
}

/// The breaches that are still there when whatever goes on behind an answer has had its time: an act in the background
/// holds its node without a row of work.
async fn lasting(store: &Store) -> Outcome<Vec<String>> {
    let quiet = async {
        while invariants::breaches(store).await.is_ok_and(|breaches| !breaches.is_empty()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(60), quiet).await;
    Ok(invariants::breaches(store).await?)
}

/// Whether an answer is one that the tables promise.
fn judged(document: &Document, asked: &Asked, reply: &Reply) -> Result<(), String> {
    if reply.status >= 500 {
        return Err(format!("status {}", reply.status));
    }
    if reply.status >= 400 {
        return document.error(&reply.json);
    }
    let Some(route) = asked.route else { return Err("a path that nobody has was answered".to_owned()) };
    if asked.version != super::service::LATEST {
        return Ok(());
    }
    document.answer(route, reply.status, &reply.json)
}

#[test]
fn a_wrong_answer_is_seen() {
    let document = Document::new(openapi::document());
    let route = bessemer::api::surface::routes::ROUTES.iter().find(|route| route.path == "/v1/nodes/{node}/traits");
    let Some(route) = route else { panic!("there is no such row") };
    let traits = |json: serde_json::Value| document.answer(route, 200, &json);
    assert_eq!(traits(serde_json::json!({"traits": ["A"]})), Ok(()));
    for wrong in [
        serde_json::json!({"traits": [1]}),
        serde_json::json!({"traits": null}),
        serde_json::json!({}),
        serde_json::json!({"traits": [], "more": 1}),
    ] {
        assert!(traits(wrong.clone()).is_err(), "{wrong}");
    }
    assert!(document.answer(route, 202, &serde_json::Value::Null).is_err(), "a status that is not described");
}
