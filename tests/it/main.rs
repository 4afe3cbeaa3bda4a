//! Conversations with the real program: its command line, its HTTP, its page in a browser, its
//! death and its return.

mod browser;
mod cases;
mod cli;
mod corpus;
mod discord;
mod discord_bot;
mod kills;
mod program;
mod rule_authors;
mod slack;
mod slack_bot;
mod tidy;
mod workspace;
