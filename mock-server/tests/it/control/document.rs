//! The OpenAPI document: it describes every route, and nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ask, get, port, world};

/// Every route there is. Each has tests of its own beside this one.
const ROUTES: [&str; 21] = [
    "get /health",
    "get /server",
    "get /faults",
    "get /metrics",
    "post /restart",
    "post /reset",
    "get /rules",
    "post /rules",
    "put /rules",
    "delete /rules",
    "get /rules/{index}",
    "delete /rules/{index}",
    "get /connections",
    "get /connections/{connection}",
    "post /connections/{connection}/{action}",
    "get /tokens",
    "post /tokens",
    "get /clock",
    "post /clock/{action}",
    "get /journal",
    "get /openapi.json",
];

const METHODS: [&str; 5] = ["get", "post", "put", "delete", "patch"];

fn described(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().keys().filter(|key| METHODS.contains(&key.as_str())).map(move |method| (method, path))
    });
    operations.map(|(method, path)| format!("{method} {path}")).collect()
}

#[tokio::test]
async fn the_document_covers_all_routes() {
    let world = world(json!([])).await;
    let document = get(&world, "/openapi.json").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let mut described = described(&document);
    described.insert("get /openapi.json".to_owned());
    assert_eq!(described, ROUTES.iter().map(ToString::to_string).collect());
}

/// What the server takes, by asking it with every method at every path, is what the document says.
#[tokio::test]
async fn the_server_takes_what_the_document_describes_and_nothing_else() {
    let world = world(json!([])).await;
    let paths: BTreeSet<&str> = ROUTES.iter().filter_map(|route| Some(route.split_once(' ')?.1)).collect();
    let mut taken = BTreeSet::new();
    for path in &paths {
        let real = path.replace("{index}", "0").replace("{connection}", "newest").replace("{action}", "cut");
        for method in METHODS {
            let status = ask(port(&world), &method.to_uppercase(), &real, &[], "").await.status;
            if status != 405 {
                taken.insert(format!("{method} {path}"));
            }
        }
    }
    assert_eq!(taken, ROUTES.iter().map(ToString::to_string).collect());
    assert_eq!(ask(port(&world), "GET", "/nowhere", &[], "").await.status, 404);
}

#[tokio::test]
async fn every_operation_is_explained_and_every_reference_leads_somewhere() {
    let world = world(json!([])).await;
    let document = get(&world, "/openapi.json").await;
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS.iter().filter(|method| item.get(**method).is_some()) {
            let operation = &item[*method];
            assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 10), "{method} {path}");
            assert!(names.insert(operation["operationId"].to_string()), "{method} {path}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(!responses.is_empty(), "{method} {path}");
            let silent = |response: &Value| response["description"].as_str().is_none_or(str::is_empty);
            assert!(!responses.values().any(silent), "{method} {path} {responses:#?}");
        }
    }
    let text = document.to_string();
    let references = text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
    let lost: BTreeSet<&str> = references.filter(|reference| document.pointer(reference).is_none()).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert!(document["components"]["schemas"]["Rule"]["oneOf"].as_array().unwrap().len() > 40);
}
