//! Notes what each story used of the functions' roles. `unused_permissions.rs` reads it when all stories are over.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};

use local::roles::Permission;
use local::stack::Stack;

/// Writes down what was used of a stack when its story is over.
pub struct Note {
    stack: Arc<Stack>,
    file: PathBuf,
}

impl Note {
    pub fn new(stack: &Arc<Stack>) -> Self {
        static FIRST: Once = Once::new();
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("used-permissions");
        // What an earlier run used says nothing of this one.
        FIRST.call_once(|| {
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(&folder).unwrap();
        });
        let file = folder.join(NUMBER.fetch_add(1, Ordering::SeqCst).to_string());
        Self { stack: Arc::clone(stack), file }
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let line = |(handler, permission): &(String, Permission)| {
            let Permission { resource, action, leading_keys } = permission;
            format!("{handler} {resource} {action} {}\n", leading_keys.join(","))
        };
        let used: String = self.stack.wire.roles().used().iter().map(line).collect();
        // A story that fails says so itself.
        let _ = std::fs::write(&self.file, used);
    }
}
