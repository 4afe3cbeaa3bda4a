//! oktriage
pub mod cli;
pub mod diagnosis;
pub mod lint;
pub mod redact;
pub mod render;
pub mod reply;
pub mod rules;
