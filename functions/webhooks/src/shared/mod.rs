//! What the operations and plug-ins share.

pub mod addresses;
pub mod lookup;
pub mod outside;
pub mod secret;
pub mod views;
