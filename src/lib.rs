//! oktriage recognises pasted Okta errors and answers with the cause and the steps that fix it.
//!
//! The modules in reading order, each of which uses only those before it:
//!
//! - [`rules`]: what an error is recognised by and what a person is told about it
//! - [`redact`]: finds secrets in text
//! - [`diagnosis`]: the engine, from a paste to diagnoses; pure
//! - [`reply`]: what the bot says, independent of where
//! - [`render`]: replies for terminals and pages; limits and escaping
//! - [`lint`]: checks of a whole rule set
//! - [`lookup`]: finds rules for people who ask
//! - [`bot`]: from events to decisions and deliveries; owns the ports it needs
//! - [`local`]: the local workspace, a platform of its own
//! - [`discord`], [`slack`]: the bot on Discord and on Slack
//! - [`store`]: the ports on SQLite
//! - [`web`]: the page of the local workspace, health
//! - [`reload`]: swaps changed rules in
//! - [`config`], [`telemetry`], [`app`], [`cli`]: settings, logging, composition, command line

pub mod app;
pub mod bot;
pub mod cli;
pub mod config;
pub mod diagnosis;
pub mod discord;
pub mod lint;
pub mod local;
pub mod lookup;
pub mod redact;
pub mod reload;
pub mod render;
pub mod reply;
pub mod rules;
pub mod slack;
pub mod store;
pub mod telemetry;
pub mod web;
