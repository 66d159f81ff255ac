//! The kinds of thing that are seen of a machine: one row each.

/// Who saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    Dhcp,
    Tftp,
    Http,
    Bmc,
    Agent,
    State,
}

impl Source {
    pub const ALL: &'static [Source] =
        &[Source::Dhcp, Source::Tftp, Source::Http, Source::Bmc, Source::Agent, Source::State];

    pub const fn as_str(self) -> &'static str {
        match self {
            Source::Dhcp => "DHCP",
            Source::Tftp => "TFTP",
            Source::Http => "HTTP",
            Source::Bmc => "BMC",
            Source::Agent => "agent",
            Source::State => "state",
        }
    }
}

/// What a row says of its kind.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub kind: Kind,
    pub source: Source,
    /// A word or two for a list.
    pub word: &'static str,
    /// A sentence.
    pub meaning: &'static str,
    /// What comes next if all goes well; empty where nothing follows.
    pub next: &'static str,
}

macro_rules! kinds {
    ($( $Kind:ident: $Source:ident, $word:literal, $meaning:literal, $next:literal; )*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($Kind),* }

        pub const KINDS: &[Row] = &[
            $(Row { kind: Kind::$Kind, source: Source::$Source, word: $word, meaning: $meaning, next: $next }),*
        ];
    };
}

#[rustfmt::skip]
kinds! {
    Offered: Dhcp, "offered", "It asked for an address and was offered one.", "it takes the offer";
    LeasedFirmware: Dhcp, "firmware", "Its firmware has an address and was told which loader to fetch.", "it fetches the loader";
    LeasedIpxe: Dhcp, "iPXE", "The loader runs, has an address and was told where its boot script is.", "it fetches the boot script";
    LeasedSystem: Dhcp, "system", "An operating system or ramdisk has an address.", "";
    NoBootFile: Dhcp, "no boot file", "It has an address and may not boot from the network by this card.", "";
    NoLoader: Dhcp, "no loader", "There is no boot loader for its kind of firmware.", "";
    NoUrl: Dhcp, "no URL", "The loader runs, and there is no provisioning listener to send it to.", "";
    Elsewhere: Dhcp, "other server", "It took the offer of another DHCP server.", "";
    NotItsOwn: Dhcp, "refused", "It asked for an address that is not its own.", "it asks anew";
    NoAddress: Dhcp, "no address", "The pool has no address left to offer.", "";
    Declined: Dhcp, "declined", "It found somebody else at the address that it was given.", "it asks for another";
    OtherNetwork: Dhcp, "other network", "Its request came from a network that the pool is not for.", "";
    UnknownCard: Dhcp, "unknown card", "It asks for an address, and no port has this card.", "";
    LoaderSent: Tftp, "sent", "It has its boot loader.", "the loader starts and asks for an address";
    LoaderBroken: Tftp, "broke off", "It stopped acknowledging the boot loader.", "it asks again";
    LoaderAbsent: Tftp, "no such file", "It asked for a file that is not there.", "";
    LoaderByHttp: Http, "loader", "It fetched its boot loader.", "the loader starts and asks for an address";
    Script: Http, "boot script", "It was told to boot from the network.", "it fetches kernel and ramdisk";
    DiskScript: Http, "boot its disk", "It was told to boot its disk.", "its disk boots";
    ScriptRefused: Http, "script refused", "It asked for its boot script from an address that is not the machine's.", "";
    ScriptImpossible: Http, "no script", "Its boot plan cannot be put into a script.", "";
    FileBegun: Http, "fetches", "It began to fetch a file of its boot plan.", "it has the file";
    KernelSent: Http, "kernel", "It has the kernel.", "it fetches the ramdisk";
    RamdiskSent: Http, "ramdisk", "It has the ramdisk.", "the ramdisk starts and its agent calls";
    IsoSent: Http, "ISO image", "It has read the whole ISO image.", "the image starts";
    FileBroken: Http, "broke off", "A file of its boot plan was not fetched to the end.", "it tries again";
    FileUnreadable: Http, "cannot be read", "A file of its boot plan cannot be read here.", "";
    OldPlan: Http, "old plan", "It asked for a file of a boot plan that is not its own now.", "it starts over";
    ImageSent: Http, "image", "The agent has fetched the image.", "it writes the image";
    ImageBroken: Http, "broke off", "The image was not fetched to the end.", "the agent tries again";
    ImageAwaited: Http, "fetches image", "This service fetches the image.", "the image is here";
    DriveAwaited: State, "waits for memory", "Its config drive waits for memory, which the drives of others take.", "the others have theirs";
    PowerOrdered: Bmc, "ordered", "A change of power was ordered.", "the machine reaches it";
    PowerReached: Bmc, "reached", "The machine reached the power that was ordered.", "";
    BmcFailed: Bmc, "trouble", "The BMC did not do what it was asked.", "";
    BmcAnswers: Bmc, "answers", "The BMC answers again.", "";
    LookedUp: Agent, "looked up", "The agent asked who it is, and was told.", "its first heartbeat";
    TokenSpent: Agent, "token is out", "An agent asked who it is, and its token was handed out before.", "";
    LookupRefused: Agent, "lookup refused", "The agent asked who it is, and was not told.", "";
    Beat: Agent, "heartbeat", "The agent called.", "";
    BeatRefused: Agent, "call refused", "The agent called, and was not believed.", "";
    Reported: Agent, "report", "The agent reported what it found.", "the report is gone through";
    ReportRefused: Agent, "report refused", "The agent's report was not taken.", "";
    Began: State, "begins", "A piece of work was begun.", "";
    Waits: State, "waits", "A piece of work waits for somebody else.", "";
    Ended: State, "done", "A piece of work is done.", "";
    Failed: State, "failed", "A piece of work failed.", "";
}

impl Kind {
    pub fn row(self) -> &'static Row {
        &KINDS[self as usize]
    }

    pub fn source(self) -> Source {
        self.row().source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_its_own_row_and_its_own_words() {
        for (i, row) in KINDS.iter().enumerate() {
            assert_eq!(row.kind.row().kind, row.kind);
            assert!(row.meaning.ends_with('.') && !row.next.ends_with('.'), "{:?}", row.kind);
            let alike = KINDS[..i].iter().find(|it| it.source == row.source && it.meaning == row.meaning);
            assert!(alike.is_none(), "{alike:?}");
        }
    }
}
