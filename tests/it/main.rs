//! Conversations with the real program: its command line, its HTTP, its page in a browser, its
//! death and its return.

mod browser;
mod cases;
mod cli;
mod corpus;
mod database;
mod discord;
mod discord_bot;
mod double;
mod kills;
mod postgres;
mod program;
mod replicas;
mod rule_authors;
mod slack;
mod slack_bot;
mod store;
mod story;
mod tidy;
mod workspace;
