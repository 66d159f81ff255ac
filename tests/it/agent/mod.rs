//! The agent's protocol: our client and driver against a simulated agent that misbehaves on request.

mod client;
mod contact;
mod deploy;
mod drive;
mod garbage;
mod hooks;
mod room;
mod rules;
mod service;
mod stranger;
