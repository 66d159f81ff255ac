//! The scripts that iPXE is given. Pure text; what goes in is checked, because it comes from the API.
//!
//! iPXE reads a line as words, and takes `&&`, `||`, `;` and `#` for its own, so kernel arguments that contain them, or a
//! line break, would be commands. [`problem`](crate::model::BootPlan::problem) names such arguments; a plan that has one is
//! not rendered.

use uuid::Uuid;

use crate::model::BootPlan;
use crate::model::boot_plan::Boot;
use crate::wire::mac::Mac;

/// How often a machine tries to fetch its kernel and ramdisk before it starts over from its firmware. Each pause is a
/// second longer than the one before, so this takes about a minute.
const TRIES: u32 = 10;

/// For a machine that shall boot its disk. A BIOS is told which one; UEFI has an order of its own to go on with, and goes on
/// only if the network boot says that it failed.
pub fn disk(why: &str) -> String {
    format!(
        "#!ipxe\n\
         echo {why}\n\
         iseq ${{platform}} efi && exit 1 ||\n\
         sanboot --no-describe --drive 0x80 || exit 1\n"
    )
}

/// For a machine whose boot cannot be arranged: it says why and goes on to its next boot device.
pub fn failure(why: &str) -> String {
    format!("#!ipxe\necho {why}\nsleep 10\nexit 1\n")
}

/// For a machine that shall boot what the plan names. `url` is the base of the provisioning listener. None: the plan's text
/// would be commands, or it is to boot the disk.
pub fn network(plan: &BootPlan, node: Uuid, mac: Mac, url: &str) -> Option<String> {
    if plan.problem().is_some() {
        return None;
    }
    let at = |file: &str, what: &str| match is_url(file) {
        true => file.to_owned(),
        false => format!("{url}/boot/{node}/{}/{what}", plan.key),
    };
    match &plan.boot {
        Boot::Disk => None,
        Boot::Iso { iso } => Some(attempts(&format!("sanboot --no-describe {} || goto again\n", at(iso, "iso")))),
        Boot::Ramdisk { kernel, ramdisk, arguments } => {
            let (kernel, ramdisk) = (at(kernel, "kernel"), at(ramdisk, "ramdisk"));
            // The card's address is written out: in `${mac}` iPXE would put that of whichever card it opened last.
            let bootif = mac.hyphens();
            Some(attempts(&format!(
                "kernel {kernel} {arguments} BOOTIF=01-{bootif} initrd=ramdisk || goto again\n\
                 initrd --name ramdisk {ramdisk} || goto again\n\
                 boot || goto again\n"
            )))
        }
    }
}

/// Lines that go to `again` if they fail, several times.
fn attempts(lines: &str) -> String {
    format!(
        "#!ipxe\n\
         set try:int32 0\n\
         :load\n\
         imgfree\n\
         {lines}\
         :again\n\
         inc try\n\
         iseq ${{try}} {TRIES} && goto give_up ||\n\
         echo That did not work, trying again in ${{try}} seconds\n\
         sleep ${{try}}\n\
         goto load\n\
         :give_up\n\
         echo Giving up after {TRIES} attempts, starting over in 30 seconds\n\
         sleep 30\n\
         reboot\n"
    )
}

/// For machines that come by another DHCP server and know only one address: tells us all their cards, and is told what
/// the one that is ours shall do.
pub fn entry(url: &str) -> String {
    format!(
        "#!ipxe\n\
         set n:int32 0\n\
         :next\n\
         isset ${{net${{n}}/mac}} || goto ask\n\
         set macs ${{macs}}${{net${{n}}/mac:hexhyp}},\n\
         inc n\n\
         iseq ${{n}} {MOST_MACS} || goto next\n\
         :ask\n\
         chain {url}/boot/${{macs}}.ipxe || exit 1\n"
    )
}

/// Cards that one request may name.
pub const MOST_MACS: usize = 16;

/// Whether a kernel or ramdisk is fetched from where it is rather than from us.
pub fn is_url(file: &str) -> bool {
    file.starts_with("http://") || file.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(kernel: &str, arguments: &str) -> BootPlan {
        let boot = Boot::Ramdisk { kernel: kernel.into(), ramdisk: "/r".into(), arguments: arguments.into() };
        BootPlan { boot, key: "k3y".into() }
    }

    #[test]
    fn a_ramdisk_script_names_the_files_the_arguments_and_the_card() {
        let (node, mac) = (Uuid::nil(), Mac([0x52, 0x54, 0, 0x77, 0, 0x10]));
        let script = network(&plan("/k", "text console=ttyS0"), node, mac, "http://10.0.0.1:8080").unwrap_or_default();
        let files = format!("http://10.0.0.1:8080/boot/{node}/k3y");
        let kernel =
            format!("\nkernel {files}/kernel text console=ttyS0 BOOTIF=01-52-54-00-77-00-10 initrd=ramdisk || ");
        assert!(script.starts_with("#!ipxe\n") && script.contains(&kernel), "{script}");
        assert!(script.contains(&format!("\ninitrd --name ramdisk {files}/ramdisk || ")), "{script}");
        let elsewhere = network(&plan("https://x/k", ""), node, mac, "http://10.0.0.1").unwrap_or_default();
        assert!(elsewhere.contains("\nkernel https://x/k  BOOTIF="), "{elsewhere}");
    }

    #[test]
    fn an_iso_image_is_booted_from_us_or_from_where_it_is() {
        let script = |iso: &str| {
            let plan = BootPlan { boot: Boot::Iso { iso: iso.into() }, key: "k3y".into() };
            network(&plan, Uuid::nil(), Mac([0; 6]), "http://10.0.0.1").unwrap_or_default()
        };
        let ours = format!("\nsanboot --no-describe http://10.0.0.1/boot/{}/k3y/iso || ", Uuid::nil());
        assert!(script("/images/a.iso").contains(&ours), "{}", script("/images/a.iso"));
        assert!(script("https://h/a.iso").contains("\nsanboot --no-describe https://h/a.iso || "));
        assert_eq!(script("http://h/a.iso || reboot"), "");
    }

    #[test]
    fn arguments_that_would_be_commands_are_not_rendered() {
        for bad in ["a\nchain http://evil", "a\rb", "a || reboot", "a && b", "a ; b", "#x", "a\0b", "a \u{85} b"] {
            let script = network(&plan("/k", bad), Uuid::nil(), Mac([0; 6]), "http://x");
            assert_eq!(script, None, "{bad:?}");
        }
        for bad in ["http://x/a b", "http://x/\nreboot", "/a\nb", "http://x/${mac} y"] {
            assert_eq!(network(&plan(bad, ""), Uuid::nil(), Mac([0; 6]), "http://x"), None, "{bad:?}");
        }
        for good in ["a=b;c", "x||y", "quiet a&b", "root=/dev/ram0 ip=${ip}", "c#d"] {
            assert!(network(&plan("/k", good), Uuid::nil(), Mac([0; 6]), "http://x").is_some(), "{good:?}");
        }
    }
}
