//! The printed reference and the OpenAPI document: made from the tables, and kept beside the tests so that every change
//! of the API is seen in a review.

use bessemer::api::auth::Auth;
use bessemer::api::surface::{openapi, reference};

use super::service::{Outcome, Service};

const RENEW: &str = "cargo run -q -- api-reference > tests/it/api/reference.txt";

#[test]
fn the_printed_reference_is_the_one_that_was_agreed() {
    let (printed, agreed) = (reference::text(), include_str!("reference.txt"));
    let differs = printed.lines().zip(agreed.lines()).find(|(now, then)| now != then);
    let end = (printed.lines().count() != agreed.lines().count()).then_some(("the end", "another end"));
    assert_eq!(differs.or(end), None, "if this is meant: {RENEW}");
}

#[tokio::test]
async fn the_openapi_document_is_served_to_anybody_and_describes_every_path() -> Outcome {
    let users = tempfile::NamedTempFile::new()?;
    let auth = Auth::basic(users.path().to_owned(), bessemer::clock::Clock::system());
    let service = Service::start_with(auth).await?;
    assert_eq!(service.get("/v1/nodes").await?.status, 401);
    let served = service.get("/bessemer/v1/openapi.json").await?;
    assert_eq!((served.status, served.json["openapi"].as_str()), (200, Some("3.1.0")));
    assert_eq!(served.json, openapi::document());
    for route in bessemer::api::surface::routes::ROUTES {
        let described = served.json["paths"][route.path].get(route.method.as_str().to_lowercase()).is_some();
        let refused = matches!(route.gives, bessemer::api::surface::Gives::Refusal);
        assert_eq!(described, !refused, "{} {}", route.method, route.path);
    }
    Ok(())
}

#[test]
fn operations_and_schemas_of_the_openapi_document_have_names_of_their_own() {
    let document = openapi::document();
    let mut seen = std::collections::HashSet::new();
    for path in document["paths"].as_object().into_iter().flatten().map(|(_, path)| path) {
        for (_, operation) in path.as_object().into_iter().flatten() {
            let name = operation["operationId"].as_str().unwrap_or_default().to_owned();
            assert!(!name.is_empty() && seen.insert(name.clone()), "{name:?} twice, or not at all");
        }
    }
    let schemas = document["components"]["schemas"].as_object().map_or(0, serde_json::Map::len);
    // Beside the nouns: links, errors.
    assert_eq!(schemas, reference::nouns().len() + 2);
}
