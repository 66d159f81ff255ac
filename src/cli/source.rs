//! The flags that every sub-command with a configuration shares.

use std::path::PathBuf;

use crate::config::{Problems, Typed, keys};

/// Where the configuration comes from. A flag wins over its environment variable, that over the file.
#[derive(clap::Args)]
pub struct Source {
    /// The configuration file (TOML); `bessemer config print` shows what may stand in it
    #[arg(long, value_name = "FILE", env = "BESSEMER_CONFIG")]
    config: Option<PathBuf>,
    /// The SQLite file that holds everything [default: bessemer.sqlite]
    #[arg(long, value_name = "FILE")]
    db: Option<String>,
    /// Address of the admin API [default: 127.0.0.1:6385]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// Serve DHCP and TFTP on this interface
    #[arg(long, value_name = "IF")]
    dhcp_interface: Option<String>,
    /// First and last address to lease
    #[arg(long, value_name = "A-B")]
    dhcp_pool: Option<String>,
    /// Address of the HTTP listener for machines
    #[arg(long, value_name = "ADDR:PORT")]
    provisioning_listen: Option<String>,
}

impl Source {
    /// Reads file, environment and flags.
    pub fn read(&self) -> Result<Typed, Problems> {
        let flags = [
            (keys::DB, "--db", &self.db),
            (keys::LISTEN, "--listen", &self.listen),
            (keys::DHCP_INTERFACE, "--dhcp-interface", &self.dhcp_interface),
            (keys::DHCP_POOL, "--dhcp-pool", &self.dhcp_pool),
            (keys::PROVISIONING_LISTEN, "--provisioning-listen", &self.provisioning_listen),
        ];
        let given = flags.iter().filter_map(|(key, flag, text)| Some((*key, *flag, text.as_ref()?.clone())));
        // What is not text cannot be a setting of ours.
        let environment = std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text)));
        let environment = environment.map(|(name, text)| (name, text.to_string_lossy().into_owned()));
        Typed::read(self.config.as_deref(), environment, &given.collect::<Vec<_>>())
    }
}
