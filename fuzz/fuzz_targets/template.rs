//! The reader of the stack's template, which the local stack and the tests start from.

#![no_main]

libfuzzer_sys::fuzz_target!(|source: &str| {
    let _ = template::Template::read(source, &Default::default());
    if let Ok(pattern) = serde_json::from_str(source)
        && let Ok(pattern) = template::Pattern::read(&pattern)
    {
        pattern.matches(&serde_json::Value::Null);
    }
});
