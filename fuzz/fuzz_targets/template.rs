//! The reader of the stack's template, which the local stack and the tests start from.

#![cfg_attr(fuzzing, no_main)]

/// The bytes are a template, or a pattern of events.
pub fn check(bytes: &[u8]) {
    let Ok(source) = std::str::from_utf8(bytes) else { return };
    let _ = template::Template::read(source, &Default::default());
    if let Ok(pattern) = serde_json::from_str(source)
        && let Ok(pattern) = template::Pattern::read(&pattern)
    {
        pattern.matches(&serde_json::Value::Null);
    }
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check(bytes));
