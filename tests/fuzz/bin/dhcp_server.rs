#![no_main]
bessemer_fuzz::target!("dhcp_server");
