//! The OpenAPI description and the answers of a real node say the same.

use serde_json::Value;

use super::common::window::Shown;

/// What is wrong with a value under a schema: enough of JSON Schema for our own description.
fn faults(root: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    if let Some(path) = schema["$ref"].as_str() {
        let target = root.pointer(&path[1..]).unwrap_or_else(|| panic!("{path}"));
        return faults(root, target, value, place, found);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        faults(root, part, value, place, found);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let fits = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{place}: {other}"),
    };
    if !kinds.iter().any(fits) {
        found.push(format!("{place} is {value}, not of {kinds:?}"));
    }
    if let (Some(allowed), false) = (schema["enum"].as_array(), value.is_null())
        && !allowed.contains(value)
    {
        found.push(format!("{place} is {value}, none of {allowed:?}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
            found.push(format!("{place} has no {name}"));
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        faults(
            root,
            &schema["items"],
            item,
            &format!("{place}[{index}]"),
            found,
        );
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(part) = value.get(name) {
            faults(root, inner, part, &format!("{place}.{name}"), found);
        }
    }
}

#[test]
fn every_path_of_the_description_answers_as_it_says() {
    let shown = Shown::start(4);
    let id = shown.pay(0, 1, 5, "tea");
    shown.until("the payment is listed", || {
        shown.json("/v1/transactions")["transactions"]
            .as_array()
            .unwrap()
            .len()
            == 1
    });
    let api = shown.json("/openapi.json");
    let mut found = Vec::new();
    let mut checked = 0;
    for (path, methods) in api["paths"].as_object().unwrap() {
        let asked = path
            .replace("{block}", "1")
            .replace("{transaction}", &id)
            .replace("{account}", "@alice")
            .replace("{name}", "alice");
        let content = &methods["get"]["responses"]["200"]["content"];
        let (kind, content) = content.as_object().unwrap().iter().next().unwrap();
        if kind != "application/json" {
            continue;
        }
        checked += 1;
        faults(
            &api,
            &content["schema"],
            &shown.json(&asked),
            path,
            &mut found,
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(checked >= 14, "{checked}");
    let error = shown.get("/v1/blocks/x").json();
    faults(
        &api,
        &api["components"]["schemas"]["Error"],
        &error,
        "error",
        &mut found,
    );
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_wrong_answer_would_be_found() {
    let api: Value = serde_json::json!({"components": {"schemas": {"One": {
        "type": "object", "properties": {"height": {"type": "integer"}}, "required": ["height"]
    }}}});
    let schema =
        serde_json::json!({"type": "array", "items": {"$ref": "#/components/schemas/One"}});
    let mut found = Vec::new();
    let value = serde_json::json!([{"height": 1}, {"height": "1"}, {}]);
    faults(&api, &schema, &value, "", &mut found);
    assert_eq!(found.len(), 2, "{found:?}");
}
