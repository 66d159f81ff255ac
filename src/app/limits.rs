//! How many files and connections this process may have open, and what that means for its listeners.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::api::connections;

/// What is kept for everything that is no connection: the store, images, sessions with BMCs, transfers.
const OTHERS: u64 = 1536;
/// Connections of the admin listener and of the machines', where the system allows them. An idle one costs some 20 KiB, one that has sent half a head 50.
const MOST_ADMIN: u64 = 2048;
const MOST_MACHINES: u64 = 4096;
/// The part of the machines' connections that one address may have.
const ONE_IN: usize = 4;
/// A machine that writes what it fetches to a slow disk may pause.
const MACHINE_TAKES_WITHIN: std::time::Duration = std::time::Duration::from_secs(120);

/// Bounds of both listeners.
#[derive(Debug)]
pub struct Listeners {
    pub admin: connections::Limits,
    pub machines: connections::Limits,
}

/// Raises the soft limit of open files to the hard one, and shares it out.
pub fn raise() -> Listeners {
    let files = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if soft < hard => match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
            Ok(()) => hard,
            Err(_) => soft,
        },
        Ok((soft, _)) => soft,
        Err(_) => 1024,
    };
    let listeners = share_out(files);
    tracing::info!(
        open_files = files,
        admin_connections = listeners.admin.connections,
        machine_connections = listeners.machines.connections,
        "limits"
    );
    listeners
}

fn share_out(files: u64) -> Listeners {
    let left = files - OTHERS.min(files / 2);
    // A machine's connection may have a file of its own open, the one that it fetches.
    let bound = |most: u64, files: u64| usize::try_from(most.min(files)).unwrap_or(usize::MAX).max(16);
    let (admin, machines) = (bound(MOST_ADMIN, left / 3), bound(MOST_MACHINES, left / 3));
    let defaults = connections::Limits::default();
    Listeners {
        // A proxy in front of it is one address.
        admin: connections::Limits { connections: admin, each: admin, ..defaults },
        machines: connections::Limits {
            connections: machines,
            each: machines / ONE_IN,
            taken_within: MACHINE_TAKES_WITHIN,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_into_the_files_that_the_system_allows() {
        for files in [256, 1024, 4096, 65_536, 1 << 20, u64::MAX] {
            let Listeners { admin, machines } = share_out(files);
            assert!((admin.connections + 2 * machines.connections) as u64 <= files, "{files}: {admin:?} {machines:?}");
            assert!(machines.each < machines.connections, "{machines:?}");
        }
        assert_eq!(share_out(1 << 20).machines.connections, 4096);
    }
}
