//! Markdown to HTML: nothing that is written can run, whatever it is.

#![cfg_attr(fuzzing, no_main)]

/// The bytes are Markdown.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(body) = domain::Body::try_from(text.to_owned()) else { return };
    let Ok(rendered) = markdown::render(body.as_str()) else { return };
    // In cleaned HTML a bare `<` is always a tag.
    for tag in rendered.html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default().to_lowercase()) {
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        let dangerous = ["script", "style", "iframe", "object", "embed", "svg", "math", "base", "form", "meta", "link"];
        assert!(!dangerous.contains(&&*name), "<{tag}> in {}", rendered.html);
        let outside_quotes: String = tag.split('"').step_by(2).collect();
        for name in outside_quotes.split_whitespace().skip(1) {
            assert!(!name.starts_with("on") && !name.starts_with("style"), "{name} in {}", rendered.html);
        }
        for value in tag.split('"').skip(1).step_by(2) {
            // What a browser leaves out of an address, and no more (https://url.spec.whatwg.org/#url-parsing).
            let value = value.trim_start_matches(|c| c <= ' ');
            let scheme: String = value.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
            assert!(!scheme.starts_with("javascript:") && !scheme.starts_with("data:"), "{value} in {}", rendered.html);
        }
    }
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check(bytes));
