#![no_main]
bessemer_fuzz::target!("config_drive");
