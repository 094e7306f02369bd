//! Runs on a real database: what becomes of accounts and contacts, what is refused, what is held, what is put back.

pub mod bench;
mod following;
mod going;
mod holding;
mod large;
mod logins;
mod newcomers;
mod photos;
mod places;
mod properties;
mod running;
