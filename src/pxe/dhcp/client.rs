//! Who asks: a boot ROM, UEFI's HTTP boot, iPXE, or an operating system. And what each of them is told to load. Pure.
//!
//! ```text
//!   BIOS ROM    ─► undionly.kpxe (TFTP) ─┐
//!   UEFI PXE    ─► snponly.efi (TFTP)   ─┼─► iPXE, which asks again ─► http://…/boot/<mac>.ipxe
//!   UEFI HTTP   ─► snponly.efi (HTTP)   ─┘
//!   anything else ─► an address, and no boot file
//! ```

use crate::pxe::loaders::Loaders;
use crate::wire::dhcp::Message;
use crate::wire::dhcp_options::code;

/// What kind of program sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    Ipxe,
    /// A PXE boot ROM of this architecture.
    Firmware(u16),
    /// UEFI HTTP boot of this architecture.
    HttpFirmware(u16),
    Ordinary,
}

/// Recognises the sender. iPXE first: it also claims to be the ROM that loaded it.
pub fn recognise(request: &Message) -> Client {
    let options = &request.options;
    if options.has(code::IPXE) || options.user_class_is(b"iPXE") {
        return Client::Ipxe;
    }
    let class = options.get(code::VENDOR_CLASS).unwrap_or_default();
    // Without a known architecture a PC BIOS is meant, which is what ROMs older than option 93 are.
    let architecture = || {
        let listed = options.architectures();
        let known = listed.iter().copied().find(|a| !loader_names(*a).is_empty());
        known.or(listed.first().copied()).or_else(|| from_class(class)).unwrap_or(0)
    };
    if class.starts_with(b"HTTPClient") {
        Client::HttpFirmware(architecture())
    } else if class.starts_with(b"PXEClient") {
        Client::Firmware(architecture())
    } else {
        Client::Ordinary
    }
}

/// The architecture in a vendor class such as `PXEClient:Arch:00007:UNDI:003016`.
fn from_class(class: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(class).ok()?;
    text.split_once(":Arch:")?.1.split(':').next()?.parse().ok()
}

/// Loaders for an architecture (RFC 4578 and its registry at IANA), the preferred one first. Names are those that
/// distributions give to iPXE's builds.
fn loader_names(architecture: u16) -> &'static [&'static str] {
    match architecture {
        0 => &["undionly.kpxe", "ipxe.pxe"],
        6 | 15 => &["snponly-i386.efi", "ipxe-i386.efi"],
        // 9 says "EBC" and is what most 64-bit PC firmware sends.
        7 | 9 | 16 => &["snponly.efi", "ipxe.efi", "ipxe-snponly-x86_64.efi", "snponly-x86_64.efi"],
        11 | 19 => &["snponly-arm64.efi", "ipxe-arm64.efi", "ipxe-snponly-arm64.efi"],
        _ => &[],
    }
}

/// The loader file for each architecture, looked up once in the directory.
#[derive(Clone, Debug, Default)]
pub struct LoaderTable(Vec<(u16, &'static str)>);

impl LoaderTable {
    /// Blocking: looks at the directory. An architecture none of whose loaders is there has no entry.
    pub fn of(loaders: &Loaders) -> Self {
        let architectures = [0, 6, 7, 9, 11, 15, 16, 19];
        let found = architectures.into_iter().filter_map(|a| Some((a, loaders.first_of(loader_names(a))?)));
        LoaderTable(found.collect())
    }

    /// The file for an architecture.
    pub fn file(&self, architecture: u16) -> Option<&'static str> {
        self.0.iter().find(|(known, _)| *known == architecture).map(|(_, file)| *file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::dhcp::Op;
    use crate::wire::mac::Mac;

    #[test]
    fn clients_are_told_apart() {
        use Client::*;
        type Options = &'static [(u8, &'static [u8])];
        let table: &[(Options, Client)] = &[
            (&[], Ordinary),
            (&[(60, b"anaconda-Linux")], Ordinary),
            (&[(60, b"PXEClient:Arch:00000:UNDI:002001"), (93, &[0, 0])], Firmware(0)),
            (&[(60, b"PXEClient")], Firmware(0)),
            (&[(60, b"PXEClient:Arch:00007:UNDI:003016")], Firmware(7)),
            (&[(60, b"PXEClient:Arch:00009:UNDI:003016"), (93, &[0, 9, 0, 7])], Firmware(9)),
            (&[(60, b"PXEClient"), (93, &[0, 99, 0, 11])], Firmware(11)),
            (&[(60, b"PXEClient"), (93, &[0, 99])], Firmware(99)),
            (&[(60, b"HTTPClient:Arch:00016:UNDI:003001"), (93, &[0, 16])], HttpFirmware(16)),
            (&[(60, b"PXEClient:Arch:00007:UNDI:003010"), (93, &[0, 7]), (175, &[])], Ipxe),
            (&[(60, b"PXEClient"), (77, b"iPXE")], Ipxe),
            (&[(60, b"PXEClient"), (77, b"gPXE")], Firmware(0)),
        ];
        for (options, expected) in table {
            let mut request = Message::new(Op::Request, 1, Mac([2, 0, 0, 0, 0, 1]));
            for (code, value) in *options {
                request.options.set(*code, *value);
            }
            assert_eq!(recognise(&request), *expected, "{options:?}");
        }
    }

    #[test]
    fn each_architecture_gets_the_first_loader_that_is_there() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        for name in ["undionly.kpxe", "ipxe.efi", "ipxe-arm64.efi"] {
            std::fs::write(dir.path().join(name), name)?;
        }
        let table = LoaderTable::of(&Loaders::new(dir.path()));
        let found = [0, 7, 9, 16, 11, 6, 99].map(|a| table.file(a));
        let efi = Some("ipxe.efi");
        assert_eq!(found, [Some("undionly.kpxe"), efi, efi, efi, Some("ipxe-arm64.efi"), None, None]);
        Ok(())
    }
}
