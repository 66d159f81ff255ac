//! DHCP as firmware and iPXE speak it: four messages, repeated when they are lost.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use dhcproto::v4::{DhcpOption, Flags, Message, MessageType, Opcode, OptionCode, UnknownOption};
use dhcproto::{Decodable as _, Decoder, Encodable as _, Encoder};

use super::{Boot, BootError, Firmware};
use crate::net::{UdpBind, UdpSocket};

/// Who is asking.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Firmware,
    Ipxe,
}

/// What was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub address: Ipv4Addr,
    pub next_server: Ipv4Addr,
    pub file: String,
    /// Option 175, sub-option 176.
    pub no_proxy_dhcp: bool,
}

/// iPXE's features in option 175: a version and that it can do HTTP.
const IPXE_FEATURES: [u8; 8] = [0xeb, 3, 1, 0, 1, 0x13, 1, 1];
/// The longest pause before a message is repeated, for firmware with much patience.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

impl Boot<'_> {
    /// A whole conversation: DISCOVER to ACK.
    pub(super) async fn dhcp(&self, program: Program) -> Result<Offer, BootError> {
        let stage = if program == Program::Ipxe { "iPXE's DHCP" } else { "DHCP" };
        // Before a client has an address it can be reached by broadcast; here, at whatever it asked from.
        let bind = UdpBind::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let socket = self.world.net.udp(bind).map_err(|error| BootError::new(stage, error))?;
        let xid = u32::from_be_bytes(self.world.random.bytes());
        let discover = self.message(program, xid, MessageType::Discover);
        let offer = self.exchange(&socket, &discover, MessageType::Offer, stage).await?;
        let mut request = self.message(program, xid, MessageType::Request);
        if let Some(server) = offer.opts().get(OptionCode::ServerIdentifier) {
            request.opts_mut().insert(server.clone());
        }
        request.opts_mut().insert(DhcpOption::RequestedIpAddress(offer.yiaddr()));
        let ack = self.exchange(&socket, &request, MessageType::Ack, stage).await?;
        self.understand(program, &ack).map_err(|why| BootError::new(stage, why))
    }

    fn message(&self, program: Program, xid: u32, kind: MessageType) -> Message {
        let none = Ipv4Addr::UNSPECIFIED;
        let machine = self.machine;
        let architecture = self.faults.knobs().architecture.unwrap_or(machine.firmware.architecture());
        let mut message = Message::new_with_id(xid, none, none, none, none, &machine.mac.0);
        message.set_opcode(Opcode::BootRequest).set_flags(Flags::default().set_broadcast());
        let class = if machine.firmware == Firmware::UefiHttp && program == Program::Firmware { "HTTP" } else { "PXE" };
        let class = format!("{class}Client:Arch:{architecture:05}:UNDI:003016");
        let mut uuid = vec![0];
        uuid.extend(machine.uuid);
        let options = message.opts_mut();
        options.insert(DhcpOption::MessageType(kind));
        options.insert(DhcpOption::MaxMessageSize(1472));
        options.insert(DhcpOption::ClassIdentifier(class.into_bytes()));
        options.insert(DhcpOption::ClientSystemArchitecture(architecture.into()));
        options.insert(DhcpOption::ClientNetworkInterface(1, 3, 16));
        options.insert(DhcpOption::ClientMachineIdentifier(uuid));
        let wanted = [OptionCode::SubnetMask, OptionCode::Router, OptionCode::BootfileName, OptionCode::TFTPServerName];
        options.insert(DhcpOption::ParameterRequestList(wanted.to_vec()));
        if program == Program::Ipxe {
            options.insert(DhcpOption::UserClass(b"iPXE".to_vec()));
            let features = UnknownOption::new(OptionCode::Unknown(175), IPXE_FEATURES.to_vec());
            options.insert(DhcpOption::Unknown(features));
        }
        message
    }

    /// Sends `request` until the `wanted` kind of answer to it arrives.
    async fn exchange(
        &self,
        socket: &UdpSocket,
        request: &Message,
        wanted: MessageType,
        stage: &'static str,
    ) -> Result<Message, BootError> {
        let mut bytes = Vec::new();
        request.encode(&mut Encoder::new(&mut bytes)).map_err(|error| BootError::new(stage, error))?;
        let mut wait = self.world.pace.dhcp_retry;
        for _ in 0..self.world.pace.dhcp_tries {
            if !self.loses() {
                socket.send_to(&bytes, self.world.dhcp).await.map_err(|error| BootError::new(stage, error))?;
            }
            match tokio::time::timeout(wait, self.wanted(socket, request.xid(), wanted, stage)).await {
                Ok(answer) => return answer,
                Err(_) => wait = (wait * 2).min(LONGEST_WAIT),
            }
        }
        Err(BootError::new(stage, "no DHCP server answers"))
    }

    /// The next answer of the `wanted` kind. What answers an earlier message that was repeated comes late, and is no news.
    async fn wanted(
        &self,
        socket: &UdpSocket,
        xid: u32,
        wanted: MessageType,
        stage: &'static str,
    ) -> Result<Message, BootError> {
        loop {
            let answer = self.answer(socket, xid).await.map_err(|error| BootError::new(stage, error))?;
            match answer.opts().msg_type() {
                Some(kind) if kind == wanted => return Ok(answer),
                Some(MessageType::Offer | MessageType::Ack) => {}
                kind => return Err(BootError::new(stage, format!("{wanted:?} expected, {kind:?} received"))),
            }
        }
    }

    /// The next message that answers the conversation `xid`.
    async fn answer(&self, socket: &UdpSocket, xid: u32) -> std::io::Result<Message> {
        let mut buffer = [0; 1500];
        loop {
            let received = socket.recv(&mut buffer).await?;
            let Ok(message) = Message::decode(&mut Decoder::new(&buffer[..received.len])) else { continue };
            let ours = message.opcode() == Opcode::BootReply && message.xid() == xid;
            if ours && message.chaddr() == self.machine.mac.0 && !self.loses() {
                return Ok(message);
            }
        }
    }

    /// Reads an ACK as strictly as firmware does.
    fn understand(&self, program: Program, ack: &Message) -> Result<Offer, String> {
        let options = ack.opts();
        if ack.yiaddr().is_unspecified() || !options.contains(OptionCode::SubnetMask) {
            return Err("an acknowledgement without an address or netmask".to_owned());
        }
        let sent = &self.machine.uuid[..];
        if let Some(DhcpOption::ClientMachineIdentifier(echoed)) = options.get(OptionCode::ClientMachineIdentifier)
            && echoed.get(1..) != Some(sent)
        {
            return Err("an acknowledgement for another machine (option 97)".to_owned());
        }
        let option = match options.get(OptionCode::BootfileName) {
            Some(DhcpOption::BootfileName(name)) => Some(name.clone()),
            _ => None,
        };
        let field = || ack.fname().unwrap_or_default().to_vec();
        let file = option.unwrap_or_else(field);
        let file = String::from_utf8_lossy(&file).trim_end_matches('\0').to_owned();
        if program == Program::Firmware && self.machine.firmware == Firmware::UefiHttp {
            let class = options.get(OptionCode::ClassIdentifier);
            if !matches!(class, Some(DhcpOption::ClassIdentifier(class)) if class.starts_with(b"HTTPClient")) {
                return Err("no offer is for HTTP boot (option 60)".to_owned());
            }
        }
        let encapsulated = match options.get(OptionCode::Unknown(175)) {
            Some(DhcpOption::Unknown(option)) => option.data().to_vec(),
            _ => Vec::new(),
        };
        let no_proxy_dhcp = encapsulated.windows(3).any(|part| part == [176, 1, 1]);
        Ok(Offer { address: ack.yiaddr(), next_server: ack.siaddr(), file, no_proxy_dhcp })
    }
}
