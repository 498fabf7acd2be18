//! Cursors: what was signed comes back as it was, and nothing else is one.

#![cfg_attr(fuzzing, no_main)]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use table::{Cursor, SigningKey};

/// The lines are the names of two lists, what a client puts in front of a cursor, where the page ended, and what it showed ahead.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let key = SigningKey::new(b"a key that nobody knows");
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (list, other, front, after, shown) = (line(), line(), line(), line(), line());
    for typed in [text, list, front, after] {
        assert_eq!(Cursor::verify(typed, list, &key), None, "nobody signed {typed:?}");
    }
    // No sort key has a zero byte.
    if after.contains('\0') || shown.contains('\0') {
        return;
    }
    let shown = shown.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect();
    let cursor = Cursor { after: after.to_owned(), shown };
    let signed = cursor.sign(list, &key);
    assert_eq!(Cursor::verify(&signed, list, &key), Some(cursor));
    if other != list {
        assert_eq!(Cursor::verify(&signed, other, &key), None, "a cursor of {list:?} is one of {other:?}");
    }
    let Ok(signed) = URL_SAFE_NO_PAD.decode(&signed) else { panic!("{signed} is not in Base64") };
    let forged = URL_SAFE_NO_PAD.encode([front.as_bytes(), &signed].concat());
    if !front.is_empty() {
        for list in [list, other] {
            assert_eq!(Cursor::verify(&forged, list, &key), None, "{front:?} in front of {after:?} is one of {list:?}");
        }
    }
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check(bytes));
