#![no_main]
bessemer_fuzz::target!("image");
