//! Network boot, over real loopback sockets and without root; `netns` adds real broadcast where root is to be had.

mod dhcp;
mod flood;
mod fuzz;
mod http;
mod netboot;
mod netns;
mod tftp;
mod world;
