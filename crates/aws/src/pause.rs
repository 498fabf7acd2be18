//! Waiting between two tries.

use std::time::Duration;

use aws_smithy_async::rt::sleep::AsyncSleep;
use aws_types::sdk_config::SharedAsyncSleep;

/// Waits as long as that, in the way in which the SDK waits between its own tries: whoever says what time is for one says it for both.
pub async fn pause(sleep: Option<SharedAsyncSleep>, time: Duration) {
    match sleep {
        Some(sleep) => sleep.sleep(time).await,
        None => tokio::time::sleep(time).await,
    }
}
