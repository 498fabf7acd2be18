//! What pages tell search engines, as JSON-LD of <https://schema.org>.

use serde_json::Value;

/// JSON that can stand in a `script` element: nothing of it ends the element, begins a comment, or is taken for a tag. What is null is
/// left out, because search engines report it as an error.
pub fn script(value: &Value) -> String {
    let escape = |text: String, c: char| text.replace(c, &format!("\\u{:04x}", u32::from(c)));
    ['<', '>', '&', '\u{2028}', '\u{2029}'].into_iter().fold(without_nulls(value).to_string(), escape)
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let known = fields.iter().filter(|(_, value)| !value.is_null());
            known.map(|(name, value)| (name.clone(), without_nulls(value))).collect()
        }
        Value::Array(values) => values.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
#[test]
fn what_is_not_known_is_left_out() {
    let value =
        serde_json::json!({ "image": null, "author": { "name": "Ada", "image": null }, "tags": [{ "a": null }] });
    assert_eq!(script(&value), r#"{"author":{"name":"Ada"},"tags":[{}]}"#);
}

#[cfg(test)]
#[test]
fn no_title_ends_the_script() {
    let title = serde_json::json!({ "headline": "</script><!--<script>alert(1)&\u{2028}" });
    let text = script(&title);
    assert!(!text.contains(['<', '>', '&', '\u{2028}']), "{text}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), title, "and means the same");
}
