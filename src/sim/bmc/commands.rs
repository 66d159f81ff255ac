//! What the simulated firmware answers to each command (IPMI 2.0, appendix G names them all).

use super::Personality;
use super::chassis::{Action, Chassis};
use super::faults::{Hit, Knobs};
use super::sensors;
use crate::random::Random;
use crate::wire::rmcp::ipmb::{IpmbMessage, OK};
use crate::wire::rmcp::suite::Suite;

const NODE_BUSY: u8 = 0xc0;
const INVALID_COMMAND: u8 = 0xc1;
const LENGTH_INVALID: u8 = 0xc7;
const OUT_OF_RANGE: u8 = 0xc9;
const NOT_PRESENT: u8 = 0xcb;
const INVALID_FIELD: u8 = 0xcc;
const INSUFFICIENT_PRIVILEGE: u8 = 0xd4;
const OPERATOR: u8 = 3;
const ADMINISTRATOR: u8 = 4;

/// Who asks.
#[derive(Clone, Copy)]
pub(super) enum Caller {
    /// Outside of any session.
    Nobody,
    Session {
        privilege: u8,
        limit: u8,
    },
}

/// What happens beside the answer.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    Power(Action),
    ForgetSessions,
}

/// What the session does after the answer.
#[derive(Clone, Copy)]
pub(super) enum SessionOrder {
    Effect(Option<Effect>),
    Privilege(u8),
    Close,
}

pub(super) struct Firmware {
    manufacturer: u32,
    product: u16,
    suites: Vec<Suite>,
    has_kg: bool,
    chassis: Chassis,
    knobs: Knobs,
    random: Random,
    guid: [u8; 16],
}

type Answered = Result<(Vec<u8>, SessionOrder), u8>;

const NOTHING: SessionOrder = SessionOrder::Effect(None);

impl Firmware {
    pub(super) fn new(
        personality: &Personality,
        guid: [u8; 16],
        chassis: Chassis,
        knobs: Knobs,
        random: Random,
    ) -> Self {
        Firmware {
            manufacturer: personality.manufacturer,
            product: personality.product,
            suites: personality.suites.clone(),
            has_kg: personality.kg.is_some(),
            guid,
            chassis,
            knobs,
            random,
        }
    }

    /// The answer to a request, whatever it is.
    pub(super) fn run(&mut self, request: &IpmbMessage, caller: Caller) -> (IpmbMessage, SessionOrder) {
        let result = match caller {
            Caller::Nobody => self.without_session(request),
            Caller::Session { .. } if self.knobs.hits(Hit::Busy, &self.random) => Err(NODE_BUSY),
            Caller::Session { privilege, limit } => self.in_session(request, privilege, limit),
        };
        match result {
            Ok((data, order)) => (request.answer(OK, &data), order),
            Err(completion) => (request.answer(completion, &[]), NOTHING),
        }
    }

    fn without_session(&self, request: &IpmbMessage) -> Answered {
        match (request.netfn, request.cmd) {
            (0x06, 0x38) => self.capabilities(&request.data),
            (0x06, 0x54) => self.cipher_suites(&request.data),
            (0x06, 0x37) => Ok((self.guid.to_vec(), NOTHING)),
            _ => Err(INSUFFICIENT_PRIVILEGE),
        }
    }

    fn in_session(&mut self, request: &IpmbMessage, privilege: u8, limit: u8) -> Answered {
        let needs = |level: u8| if privilege < level { Err(INSUFFICIENT_PRIVILEGE) } else { Ok(()) };
        let data = request.data.as_slice();
        match (request.netfn, request.cmd) {
            (0x00, 0x01) => self.chassis_status(),
            (0x00, 0x02) => needs(OPERATOR).and_then(|()| self.chassis_control(data)),
            (0x00, 0x08) => needs(OPERATOR).and_then(|()| self.set_boot_options(data)),
            (0x00, 0x09) => needs(OPERATOR).and_then(|()| self.boot_options(data)),
            (0x04, 0x2d) => {
                let number = *data.first().ok_or(LENGTH_INVALID)?;
                let reading = sensors::reading(number, self.chassis.power().on).ok_or(NOT_PRESENT)?;
                Ok((reading, NOTHING))
            }
            (0x06, 0x01) => Ok((self.device_id(), NOTHING)),
            (0x06, 0x02 | 0x03) => {
                needs(ADMINISTRATOR)?;
                Ok((vec![], SessionOrder::Effect(Some(Effect::ForgetSessions))))
            }
            (0x06, 0x3b) => match data.first() {
                Some(0) => Ok((vec![privilege], NOTHING)),
                Some(&level) if level <= limit => Ok((vec![level], SessionOrder::Privilege(level))),
                Some(_) => Err(0x81),
                None => Err(LENGTH_INVALID),
            },
            (0x06, 0x3c) => Ok((vec![], SessionOrder::Close)),
            // Event log: version 1.5, empty, room for a thousand, no optional commands.
            (0x0a, 0x40) => Ok((vec![0x51, 0, 0, 0xe8, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0], NOTHING)),
            (0x0a, 0x43) => Err(NOT_PRESENT),
            (0x0a, 0x20) => Ok((sensors::repository_info(), NOTHING)),
            (0x0a, 0x22) => Ok((vec![1, 0], NOTHING)),
            (0x0a, 0x23) => sensors::record(data).map(|record| (record, NOTHING)),
            _ => self.without_session(request).map_err(|_| INVALID_COMMAND),
        }
    }

    fn capabilities(&self, data: &[u8]) -> Answered {
        if data.len() < 2 {
            return Err(LENGTH_INVALID);
        }
        // Channel 1; 2.0 data follows, no 1.5 authentication type enabled; non-null users, Kg if set; 2.0 only.
        let status = 0x04 | if self.has_kg { 0x20 } else { 0 };
        Ok((vec![0x01, 0x80, status, 0x02, 0, 0, 0, 0], NOTHING))
    }

    /// The suites as records (section 22.15.1), in one piece of sixteen bytes at a time.
    fn cipher_suites(&self, data: &[u8]) -> Answered {
        let index = usize::from(data.get(2).ok_or(LENGTH_INVALID)? & 0x3f);
        let mut records = Vec::new();
        for suite in &self.suites {
            let [authentication, integrity, confidentiality] = suite.algorithms();
            records.extend_from_slice(&[
                0xc0,
                suite.number(),
                authentication,
                0x40 | integrity,
                0x80 | confidentiality,
            ]);
        }
        let mut answer = vec![0x01];
        answer.extend(records.iter().skip(index * 16).take(16));
        Ok((answer, NOTHING))
    }

    fn device_id(&self) -> Vec<u8> {
        let [m0, m1, m2, _] = self.manufacturer.to_le_bytes();
        let [p0, p1] = self.product.to_le_bytes();
        // IPMI 2.0; chassis, event log, sensor repository and sensors.
        vec![0x20, 0x01, 0x01, 0x00, 0x02, 0x87, m0, m1, m2, p0, p1]
    }

    fn chassis_status(&self) -> Answered {
        let on = self.knobs.read(|faults| faults.claim_power).unwrap_or(self.chassis.power().on);
        Ok((vec![u8::from(on), 0x10, 0x00], NOTHING))
    }

    fn chassis_control(&self, data: &[u8]) -> Answered {
        let action = match data.first().ok_or(LENGTH_INVALID)? & 0x0f {
            0 => Action::Off,
            1 => Action::On,
            2 => Action::Cycle,
            3 => Action::Reset,
            4 => Action::Interrupt,
            5 => Action::Button,
            _ => return Err(INVALID_FIELD),
        };
        let (refused, ignored) = self.knobs.read(|faults| (faults.refuse_power, faults.ignore_power));
        if let Some(completion) = refused {
            return Err(completion);
        }
        self.chassis.power_command_arrived(action);
        Ok((vec![], SessionOrder::Effect((!ignored).then_some(Effect::Power(action)))))
    }

    fn set_boot_options(&self, data: &[u8]) -> Answered {
        let (parameter, value) = data.split_first().ok_or(LENGTH_INVALID)?;
        match parameter & 0x7f {
            3 => self.chassis.set_clearing(*value.first().ok_or(LENGTH_INVALID)?),
            5 => self.chassis.set_raw_flags(*value.first_chunk().ok_or(LENGTH_INVALID)?),
            // "Set in progress" and "boot info acknowledge" change nothing here, but are known.
            0 | 4 => {}
            _ => return Err(0x80),
        }
        Ok((vec![], NOTHING))
    }

    fn boot_options(&self, data: &[u8]) -> Answered {
        let parameter = data.first().ok_or(LENGTH_INVALID)? & 0x7f;
        let mut answer = vec![0x01, parameter];
        match parameter {
            0 => answer.push(0),
            3 => answer.push(self.chassis.clearing()),
            4 => answer.extend_from_slice(&[0, 0]),
            5 => answer.extend_from_slice(&self.chassis.raw_flags()),
            _ => return Err(0x80),
        }
        Ok((answer, NOTHING))
    }
}

/// For the sensors' file, which refuses in the same words.
pub(super) const REFUSE_LENGTH: u8 = LENGTH_INVALID;
pub(super) const REFUSE_RANGE: u8 = OUT_OF_RANGE;
pub(super) const REFUSE_ABSENT: u8 = NOT_PRESENT;
