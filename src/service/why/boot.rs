//! A machine was switched on and its agent has not called: how far did it come, and what keeps it there?
//!
//! The rows go from the agent's call back to the first DHCP request, and the first that applies is how far it came. Each
//! stage may take its time, and only then is something said to be wrong.

use super::{Facts, Row, Said, first, long};
use crate::clock::Timestamp;
use crate::model::boot_plan::Boot as Plan;
use crate::model::{BootPlan, WaitFor};
use crate::trace::{Kind, Seen};

/// Seconds that a machine may take before something is wrong: for its self-test, and from each stage to the next.
const TO_DHCP: i64 = 90;
const TO_TAKE_OFFER: i64 = 20;
const TO_LOADER: i64 = 15;
const TO_IPXE: i64 = 30;
const TO_SCRIPT: i64 = 20;
const TO_FILES: i64 = 30;
const FOR_FILE: i64 = 120;
const TO_AGENT: i64 = 180;
const TO_HEARTBEAT: i64 = 60;

/// A boot that is under way.
struct Boot {
    facts: Facts,
    /// When the machine was switched on.
    start: Timestamp,
    /// The same, as far back as is remembered.
    seen_since: Timestamp,
}

impl Boot {
    fn of(facts: &Facts) -> Self {
        let ordered = |seen: &&Seen| seen.kind == Kind::PowerOrdered && !seen.text.ends_with("off");
        let on = facts.seen.iter().rev().find(ordered).map(|seen| seen.at);
        let begun = facts.work.as_ref().map_or(facts.now, |work| work.created_at);
        let start = on.unwrap_or(begun);
        let seen_since = facts.sight.trace.since().map_or(start, |since| since.max(start));
        Boot { facts: facts.clone(), start, seen_since }
    }

    fn last(&self, kinds: &[Kind]) -> Option<&Seen> {
        self.facts.newest(kinds, self.start)
    }

    fn has(&self, kind: Kind) -> bool {
        self.last(&[kind]).is_some()
    }

    /// The same, seen after that.
    fn after(&self, kinds: &[Kind], than: &[Kind]) -> Option<&Seen> {
        let than = self.last(than).map(|seen| seen.at);
        self.last(kinds).filter(|seen| than.is_none_or(|than| seen.at >= than))
    }

    fn text(&self, kinds: &[Kind]) -> String {
        self.last(kinds).map(|seen| seen.text.clone()).unwrap_or_default()
    }

    /// Seconds since one of these was seen last.
    fn age(&self, kinds: &[Kind]) -> i64 {
        self.last(kinds).map_or(0, |seen| self.facts.secs_since(seen.at))
    }

    /// Whether what follows these may still come in its time.
    fn soon(&self, kinds: &[Kind], within: i64) -> bool {
        !self.facts.over && self.age(kinds) < within
    }

    fn ago(&self, kinds: &[Kind]) -> String {
        long(jiff::SignedDuration::from_secs(self.age(kinds)))
    }

    /// What is expected next after something went well.
    fn next(&self, kind: Kind) -> Said {
        let row = kind.row();
        Said::fine(format!("{} {}", row.meaning, self.detail(&[kind])), format!("waits; next, {}", row.next))
    }

    fn detail(&self, kinds: &[Kind]) -> String {
        match self.text(kinds) {
            text if text.is_empty() => format!("That was {} ago.", self.ago(kinds)),
            text => format!("That was {} ago: {text}.", self.ago(kinds)),
        }
    }

    fn url(&self) -> &str {
        self.facts.sight.url.as_deref().unwrap_or("the provisioning listener, which is not configured")
    }

    /// A kernel or ramdisk that the machine does not fetch from us, without what is secret in its address.
    fn foreign_file(&self) -> Option<String> {
        let BootPlan { boot: Plan::Ramdisk { kernel, ramdisk, .. }, .. } = self.facts.plan.as_ref()? else {
            return None;
        };
        let file = [kernel, ramdisk].into_iter().find(|file| file.starts_with("http"))?;
        let (scheme, rest) = file.split_once("://")?;
        let place = rest.split(['?', '#']).next().unwrap_or_default();
        Some(format!("{scheme}://{}", place.rsplit_once('@').map_or(place, |(_, place)| place)))
    }
}

const LOADED: &[Kind] = &[Kind::LoaderSent, Kind::LoaderByHttp];
const FILES: &[Kind] = &[Kind::FileBegun, Kind::KernelSent, Kind::RamdiskSent, Kind::FileBroken];
const FIRMWARE: &[Kind] = &[Kind::Offered, Kind::LeasedFirmware];

const CONSOLE: &str =
    "Look at the machine's screen or serial console (kernel_append_params = \"%default% console=ttyS0\").";

#[rustfmt::skip]
const ROWS: &[Row<Boot>] = &[
    Row { name: "machine is off", when: |b| b.facts.node.power_state == Some(crate::model::PowerState::Off), tell: |b| {
        let name = b.facts.name();
        Said::wrong("The machine is switched off, so nothing can call.", [format!("baremetal node power on {name}"), format!("baremetal node abort {name}")])
    } },
    Row { name: "call refused", when: |b| b.after(&[Kind::BeatRefused], &[Kind::Beat]).is_some(), tell: |b| {
        Said::wrong(format!("An agent calls and is not believed: {}.", b.text(&[Kind::BeatRefused])),
            [format!("An agent of an earlier boot may still run. Restart the machine: baremetal node reboot {}", b.facts.name())])
    } },
    Row { name: "agent has called", when: |b| b.has(Kind::Beat), tell: |b| {
        Said::fine(format!("The agent called {} ago.", b.ago(&[Kind::Beat])), "goes on in a moment")
    } },
    Row { name: "report refused", when: |b| b.after(&[Kind::ReportRefused], &[Kind::Reported]).is_some(), tell: |b| {
        Said::wrong(format!("The agent's report was not taken: {}.", b.text(&[Kind::ReportRefused])), ["Mend what it names; the agent reports again at its next boot."])
    } },
    Row { name: "agent has reported", when: |b| b.has(Kind::Reported), tell: |b| b.next(Kind::Reported) },
    Row { name: "agent was looked up", when: |b| b.after(&[Kind::LookedUp], &[Kind::LookupRefused, Kind::TokenSpent]).is_some(), tell: |b| {
        if b.soon(&[Kind::LookedUp], TO_HEARTBEAT) { return b.next(Kind::LookedUp) }
        Said::wrong(format!("The agent knows who it is since {}, and its first heartbeat has not come. Its own listener may not start, or its clock is wrong, so that its certificate is not valid yet.", b.ago(&[Kind::LookedUp])),
            [CONSOLE, "In the ramdisk: journalctl -u ironic-python-agent; compare `date` with this host's."])
    } },
    Row { name: "token is out", when: |b| b.after(&[Kind::TokenSpent], &[Kind::LookedUp, Kind::LookupRefused]).is_some(), tell: |b| {
        Said::wrong("An agent asked who it is, and its token was handed out before: to an agent that was restarted since, or to another machine that says it has these cards. It is handed out once a boot, so this agent will not be believed.",
            [format!("Restart the machine: baremetal node reboot {}", b.facts.name())])
    } },
    Row { name: "lookup refused", when: |b| b.has(Kind::LookupRefused), tell: |b| {
        Said::wrong(format!("The agent asks who it is and is refused: {}.", b.text(&[Kind::LookupRefused])),
            [format!("Compare the cards that it names with the node's ports: baremetal port list --node {}", b.facts.name())])
    } },
    Row { name: "restarts with the ramdisk", when: |b| b.last(&[Kind::RamdiskSent]).is_some_and(|it| it.count > 1 && it.first >= b.start) || b.has(Kind::RamdiskSent) && b.after(FIRMWARE, &[Kind::RamdiskSent]).is_some(), tell: |b| {
        let count = b.last(&[Kind::RamdiskSent]).map_or(1, |seen| seen.count);
        Said::wrong(format!("It fetched the ramdisk ({count} times) and started over from its firmware: the kernel or the ramdisk crashes, or a watchdog restarts the machine."),
            [CONSOLE, "Is the ramdisk made for this machine's processor, and is there memory enough for it (3 GiB)?"])
    } },
    Row { name: "ramdisk has an address", when: |b| b.has(Kind::RamdiskSent) && b.after(&[Kind::LeasedSystem], &[Kind::RamdiskSent]).is_some(), tell: |b| {
        if b.soon(&[Kind::LeasedSystem], TO_AGENT) { return Said::fine(format!("The ramdisk runs and has its address. {}", b.detail(&[Kind::LeasedSystem])), "waits; next, the agent asks who it is") }
        Said::wrong(format!("The ramdisk runs and has an address ({}) since {}, and its agent has asked nothing: it cannot reach {}, or it did not start.", b.text(&[Kind::LeasedSystem]), b.ago(&[Kind::LeasedSystem]), b.url()),
            [format!("From the machines' network: curl {}/v1/lookup?addresses={}", b.url(), b.facts.cards()), "Check the firewall of this host and provisioning.url.".to_owned(), CONSOLE.to_owned()])
    } },
    Row { name: "ramdisk was fetched", when: |b| b.has(Kind::RamdiskSent), tell: |b| {
        if b.soon(&[Kind::RamdiskSent], TO_AGENT) { return b.next(Kind::RamdiskSent) }
        Said::wrong(format!("Kernel and ramdisk were fetched to the end {} ago, and nothing was heard since: the ramdisk has crashed, it has no driver for its network card, or gets no address there, or cannot reach {}.", b.ago(&[Kind::RamdiskSent]), b.url()),
            [CONSOLE.to_owned(), format!("From the machines' network: curl {}/v1/lookup?addresses={}", b.url(), b.facts.cards())])
    } },
    Row { name: "file cannot be read", when: |b| b.has(Kind::FileUnreadable), tell: |b| {
        Said::wrong(format!("A file that it is to boot cannot be read here: {}.", b.text(&[Kind::FileUnreadable])),
            ["Check deploy.kernel and deploy.ramdisk (or the node's driver_info/deploy_kernel and deploy_ramdisk), and that the service may read them."])
    } },
    Row { name: "file broke off", when: |b| b.after(&[Kind::FileBroken], FILES).is_some(), tell: |b| {
        let said = Said::wrong(format!("It did not fetch a file to the end. {}", b.detail(&[Kind::FileBroken])), ["Cable, duplex, MTU: what is large does not come through. iPXE tries ten times."]);
        Said { trouble: b.age(&[Kind::FileBroken]) > TO_FILES, ..said }
    } },
    Row { name: "old boot plan", when: |b| b.after(&[Kind::OldPlan], &[Kind::Script]).is_some(), tell: |b| {
        let said = Said::wrong(format!("It asks for a file of an earlier boot. {}", b.detail(&[Kind::OldPlan])), [format!("It starts over by itself in about a minute; or: baremetal node reboot {}", b.facts.name())]);
        Said { trouble: b.age(&[Kind::OldPlan]) > FOR_FILE, ..said }
    } },
    Row { name: "fetches its files", when: |b| b.after(&[Kind::FileBegun, Kind::KernelSent], &[Kind::Script]).is_some(), tell: |b| {
        let kinds = [Kind::FileBegun, Kind::KernelSent];
        if b.soon(&kinds, FOR_FILE) { return Said::fine(format!("It is fetching kernel and ramdisk. {}", b.detail(&kinds)), "waits; next, the ramdisk starts and its agent calls") }
        Said::wrong(format!("It began to fetch kernel or ramdisk and has not ended. {}", b.detail(&kinds)), ["The network is slow or broken in between, or iPXE hangs: look at the machine's screen.".to_owned(), format!("baremetal node reboot {}", b.facts.name())])
    } },
    Row { name: "script refused", when: |b| b.after(&[Kind::ScriptRefused], &[Kind::Script]).is_some(), tell: |b| {
        Said::wrong(format!("Its boot script was asked for from another address than the one that it has from us: {}.", b.text(&[Kind::ScriptRefused])),
            ["Another DHCP server gave it that address, or there is address translation in between. One DHCP server a network, or none of ours: dhcp is optional."])
    } },
    Row { name: "script impossible", when: |b| b.after(&[Kind::ScriptImpossible], &[Kind::Script]).is_some(), tell: |b| {
        Said::wrong(format!("Its boot plan cannot be written as an iPXE script: {}.", b.text(&[Kind::ScriptImpossible])), ["Correct driver_info/kernel_append_params, or the kernel's and ramdisk's address."])
    } },
    Row { name: "files from elsewhere", when: |b| b.has(Kind::Script) && b.foreign_file().is_some(), tell: |b| {
        let said = Said::wrong(format!("It was told to boot {} {} ago; whether it fetched that is not seen from here.", b.foreign_file().unwrap_or_default(), b.ago(&[Kind::Script])), ["Can the machine reach that address, and is the file there? iPXE's own errors are on its screen."]);
        Said { trouble: b.age(&[Kind::Script]) > TO_AGENT, we: "waits for the agent's call".to_owned(), ..said }
    } },
    Row { name: "script was fetched", when: |b| b.has(Kind::Script), tell: |b| {
        if b.soon(&[Kind::Script], TO_FILES) { return b.next(Kind::Script) }
        Said::wrong(format!("It has its boot script since {} and has asked for neither kernel nor ramdisk: iPXE cannot reach {}, or the console waits for a key.", b.ago(&[Kind::Script]), b.url()),
            ["Look at the machine's screen: iPXE says what it tried.".to_owned(), format!("Is {} the address of this host in the machines' network (provisioning.url)?", b.url())])
    } },
    Row { name: "told to boot its disk", when: |b| b.has(Kind::DiskScript), tell: |b| {
        Said::wrong(format!("It asked what to boot and was told: its disk. {}", b.detail(&[Kind::DiskScript])),
            [format!("The card by which it asks must be a port of the node with pxe_enabled: baremetal port list --node {0} --long; then baremetal node reboot {0}", b.facts.name())])
    } },
    Row { name: "iPXE without URL", when: |b| b.has(Kind::NoUrl), tell: |_| {
        Said::wrong("iPXE runs on it, and there is no provisioning listener where it could fetch its script.", ["Set provisioning.listen (and provisioning.url) and start the service again."])
    } },
    Row { name: "iPXE has an address", when: |b| b.has(Kind::LeasedIpxe), tell: |b| {
        if b.soon(&[Kind::LeasedIpxe], TO_SCRIPT) { return b.next(Kind::LeasedIpxe) }
        Said::wrong(format!("iPXE runs on it and has an address since {}, and has not fetched its boot script: it cannot reach {}. {}", b.ago(&[Kind::LeasedIpxe]), b.url(), b.detail(&[Kind::LeasedIpxe])),
            [format!("From the machines' network: curl {}/boot.ipxe", b.url()), "Check this host's firewall, and provisioning.listen and provisioning.url: the machine must be able to reach that address and port.".to_owned()])
    } },
    Row { name: "loader was fetched", when: |b| b.last(LOADED).is_some(), tell: |b| {
        if b.soon(LOADED, TO_IPXE) { return Said::fine(format!("It has its boot loader. {}", b.detail(LOADED)), "waits; next, the loader starts and asks for an address") }
        Said::wrong(format!("It fetched its boot loader to the end and was not heard since. {} The firmware does not start the loader (secure boot, or a loader for another architecture), or iPXE has no driver for the card.", b.detail(LOADED)),
            ["Switch secure boot off, or put a signed loader into boot.dir.", "Try the other iPXE build: ipxe.efi brings its own drivers, snponly.efi uses the firmware's.", "Check the node's boot_mode against what the firmware does."])
    } },
    Row { name: "loader is absent", when: |b| b.after(&[Kind::LoaderAbsent], LOADED).is_some(), tell: |b| {
        Said::wrong(format!("It asks by TFTP for a file that is not there: {}.", b.text(&[Kind::LoaderAbsent])),
            ["Put the file into boot.dir; or another DHCP server tells the machine a name that is not ours."])
    } },
    Row { name: "loader broke off", when: |b| b.after(&[Kind::LoaderBroken], LOADED).is_some(), tell: |b| {
        Said::wrong(format!("It began to fetch its boot loader by TFTP and fell silent. {}", b.detail(&[Kind::LoaderBroken])),
            ["TFTP goes on at other UDP ports than it began: a firewall in between must let them pass.", "Spanning tree without portfast cuts a link off for 30 s after it comes up."])
    } },
    Row { name: "firmware has an address", when: |b| b.has(Kind::LeasedFirmware), tell: |b| {
        if b.soon(&[Kind::LeasedFirmware], TO_LOADER) { return b.next(Kind::LeasedFirmware) }
        Said::wrong(format!("Its firmware has an address and was told what to load, and has not asked for it. {}", b.detail(&[Kind::LeasedFirmware])),
            ["Let UDP port 69 through to this host.", "The firmware may want a loader of another kind (BIOS or UEFI; secure boot): check boot_mode and the firmware's own settings."])
    } },
    Row { name: "card may not boot", when: |b| b.has(Kind::NoBootFile), tell: |b| {
        Said::wrong(format!("It asks by a card whose port has pxe_enabled = false, so it is given an address and nothing to boot: {}.", b.text(&[Kind::NoBootFile])),
            ["baremetal port set PORT --pxe-enabled; or have the firmware boot from the other card."])
    } },
    Row { name: "no loader for it", when: |b| b.has(Kind::NoLoader), tell: |b| {
        Said::wrong(format!("There is no boot loader for its kind of firmware: {}.", b.text(&[Kind::NoLoader])), ["Put one into boot.dir and start the service again."])
    } },
    Row { name: "booted something else", when: |b| b.has(Kind::LeasedSystem), tell: |b| {
        Said::wrong(format!("An operating system came up on it, not the network boot: it booted from its disk. {}", b.detail(&[Kind::LeasedSystem])),
            ["Put the network first in the firmware's boot order, and switch PXE on for that card.".to_owned(), format!("The BMC may not keep the boot device that it is told: baremetal node boot device show {}", b.facts.name())])
    } },
    Row { name: "another DHCP server", when: |b| b.has(Kind::Elsewhere), tell: |b| {
        Said::wrong(format!("It took the offer of another DHCP server: {}.", b.text(&[Kind::Elsewhere])),
            [format!("Stop that server for this card, or have it send machines here: boot file {}/boot.ipxe for iPXE.", b.url())])
    } },
    Row { name: "no address for it", when: |b| b.has(Kind::NoAddress), tell: |_| {
        Said::wrong("It asks for an address, and the pool has none left.", ["Make dhcp.pool larger, or dhcp.lease_secs shorter."])
    } },
    Row { name: "other network", when: |b| b.has(Kind::OtherNetwork), tell: |b| {
        Said::wrong(format!("It asks from a network that the pool is not for: {}.", b.text(&[Kind::OtherNetwork])), ["Move the machine to the pool's network, or give dhcp.pool addresses of the relay's."])
    } },
    Row { name: "address trouble", when: |b| b.last(&[Kind::Declined, Kind::NotItsOwn]).is_some() && b.after(&[Kind::Offered], &[Kind::Declined, Kind::NotItsOwn]).is_none(), tell: |b| {
        let kinds = [Kind::Declined, Kind::NotItsOwn];
        Said::wrong(format!("It does not get the address that it wants. {}", b.detail(&kinds)), ["Somebody else uses addresses of dhcp.pool: take them out of the pool."])
    } },
    Row { name: "offer not taken", when: |b| b.has(Kind::Offered), tell: |b| {
        let seen = b.last(&[Kind::Offered]);
        let (count, since) = seen.map_or((1, b.start), |seen| (seen.count, seen.first.max(b.start)));
        if !b.facts.over && b.facts.secs_since(since) < TO_TAKE_OFFER { return b.next(Kind::Offered) }
        Said::wrong(format!("It has been offered an address {count} times and does not take it: our answers do not reach it, or it wants something that is not in them."),
            ["Does another DHCP server answer, too, or does the switch filter answers (DHCP snooping: this host's port must be trusted)?", "Can this host's packets reach the machine's VLAN?"])
    } },
    Row { name: "DHCP is not ours", when: |b| !b.facts.sight.trace.has_dhcp(), tell: |b| {
        if !b.facts.over && b.facts.secs_since(b.start) < TO_AGENT { return Said::fine("The machine was switched on and boots. This service serves no DHCP here, so the first that can be seen of it is its boot script.", "waits for the agent's call") }
        Said::wrong(format!("The machine is on since {}, and nothing came from it. This service serves no DHCP here: another server has to send its cards ({}) here.", long(b.facts.now.duration_since(b.start)), b.facts.cards()),
            [format!("Have your DHCP server give PXE clients a loader, and iPXE the boot file {}/boot.ipxe.", b.url()), "Or let this service do it: dhcp.interface and dhcp.pool.".to_owned()])
    } },
    Row { name: "nothing was heard", when: |_| true, tell: nothing },
];

/// Switched on, and no card of it has asked for an address.
fn nothing(b: &Boot) -> Said {
    let cards = b.facts.cards();
    let waited = b.facts.secs_since(b.seen_since);
    let long_since = long(jiff::SignedDuration::from_secs(waited));
    if waited < TO_DHCP && !b.facts.over {
        let said = Said::fine(
            format!(
                "The machine was switched on {long_since} ago and goes through its self-test. No card of it ({cards}) has asked for an address yet."
            ),
            "waits; next, its firmware asks for an address",
        );
        return with_strangers(b, said);
    }
    let restarted =
        if b.seen_since > b.start { " (as far as is remembered: the service was started since)" } else { "" };
    let said = Said::wrong(
        format!("No DHCP request of its cards ({cards}) was seen in {long_since}{restarted}."),
        [
            "Is the cable in, and the switch port in the VLAN that this service serves?".to_owned(),
            "Is network boot (PXE) switched on in the firmware for that card, and first in the boot order?".to_owned(),
            format!(
                "Is the port's address that of the card which boots? baremetal port list --node {}",
                b.facts.name()
            ),
        ],
    );
    with_strangers(b, said)
}

/// A card that nobody has named may be the one that is waited for.
fn with_strangers(b: &Boot, said: Said) -> Said {
    let asking: Vec<String> = b.facts.strangers.iter().take(3).map(|(card, _)| card.to_string()).collect();
    match asking.is_empty() {
        true => said,
        false => said.and_you(format!(
            "Cards that are no port ask for addresses meanwhile: {}. If one is this machine's: baremetal port create --node {} MAC",
            asking.join(", "),
            b.facts.node.uuid
        )),
    }
}

/// What keeps the agent of a machine that was switched on.
pub(super) fn tell(facts: &Facts) -> (&'static str, Said) {
    let boot = Boot::of(facts);
    first(ROWS, &boot).map_or(("", Said::default()), |row| (row.name, (row.tell)(&boot).since(boot.start)))
}

/// Whether the machine is awaited, rather than an agent that has called before.
pub(super) fn is_boot(what: WaitFor) -> bool {
    matches!(what, WaitFor::FirstHeartbeat | WaitFor::RescueHeartbeat | WaitFor::Report | WaitFor::Return)
}

#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.name)
}
