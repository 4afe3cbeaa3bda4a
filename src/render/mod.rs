//! From a [`crate::reply::Reply`] to what a platform shows: limits and escaping, no network.

pub mod discord;
#[cfg(test)]
mod fixtures;
pub mod html;
mod left_out;
pub mod limits;
pub mod slack;
pub mod terminal;
mod text;
