//! From a [`crate::reply::Reply`] to what a platform shows: limits and escaping, no network.

pub mod discord;
pub mod html;
pub mod limits;
pub mod slack;
pub mod terminal;
mod text;
