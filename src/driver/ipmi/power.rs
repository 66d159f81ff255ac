//! Power over IPMI.
//!
//! An order to the BMC is only an order: the machine's power is read until it is what was asked for, at first often
//! (simulators and good BMCs need milliseconds), then once a second. While waiting, a lost answer is only a reading
//! missed. On and off mean the same when repeated, so they are ordered again now and then: BMCs drop orders that come
//! while the supply is still settling.

use std::time::Duration;

use super::{Connection, info, validate};
use crate::bmc::ipmi::{IpmiError, PowerControl};
use crate::clock::Instant;
use crate::driver::traits::Done;
use crate::driver::{DriverError, Interface, Power, Property, Task};
use crate::model::{PowerState, PowerTarget};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);
const ORDER_AGAIN: Duration = Duration::from_secs(8);
/// How long a machine that may not be switched off is left alone after a reset, which cannot be observed.
const AFTER_RESET: Duration = Duration::from_secs(15);

pub struct IpmiPower;

impl Interface for IpmiPower {
    fn properties(&self) -> &'static [Property] {
        info::PROPERTIES
    }

    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        validate(task)
    }
}

impl Power for IpmiPower {
    fn state<'a>(&'a self, task: &'a Task) -> Done<'a, Option<PowerState>> {
        Box::pin(async move {
            let connection = Connection::of(task)?;
            read(&connection).await.map(Some).map_err(|error| connection.error(error))
        })
    }

    fn set<'a>(&'a self, task: &'a mut Task, target: PowerTarget, within: Option<Duration>) -> Done<'a, PowerState> {
        Box::pin(async move {
            let change = Change::new(task, target, within)?;
            match target {
                PowerTarget::On => change.on(task).await?,
                PowerTarget::Off => change.reach(PowerState::Off, PowerControl::Down).await?,
                PowerTarget::SoftOff => change.reach(PowerState::Off, PowerControl::SoftOff).await?,
                PowerTarget::Reboot if task.node.disable_power_off => change.reset(task).await?,
                PowerTarget::Reboot => {
                    change.reach(PowerState::Off, PowerControl::Down).await?;
                    super::management::once_more(&change.connection, task).await?;
                    Change::new(task, PowerTarget::On, within)?.on(task).await?;
                }
                PowerTarget::SoftReboot => {
                    change.reach(PowerState::Off, PowerControl::SoftOff).await?;
                    super::management::once_more(&change.connection, task).await?;
                    // The time that the operating system took is not the supply's.
                    Change::new(task, PowerTarget::On, None)?.on(task).await?;
                }
            }
            Ok(target.result())
        })
    }
}

async fn read(connection: &Connection) -> Result<PowerState, IpmiError> {
    let status = connection.bmc.chassis_status().await?;
    Ok(if status.power_on { PowerState::On } else { PowerState::Off })
}

/// One change of power with its time limit.
struct Change {
    connection: Connection,
    clock: crate::clock::Clock,
    within: Duration,
}

impl Change {
    fn new(task: &Task, target: PowerTarget, within: Option<Duration>) -> Result<Self, DriverError> {
        let settings = &task.env.settings;
        let usual = if target.is_soft() { settings.soft_power_off } else { settings.power_change };
        let within = within.unwrap_or(usual);
        let clock = task.env.clock.clone();
        let connection = Connection::of(task)?;
        Ok(Change { connection, clock, within })
    }

    async fn on(&self, task: &mut Task) -> Result<(), DriverError> {
        super::management::before_power_on(&self.connection, task).await?;
        self.reach(PowerState::On, PowerControl::Up).await
    }

    async fn reset(&self, task: &mut Task) -> Result<(), DriverError> {
        if read(&self.connection).await.map_err(|error| self.connection.error(error))? == PowerState::Off {
            // There is nothing to reset yet.
            return self.on(task).await;
        }
        super::management::before_power_on(&self.connection, task).await?;
        let bmc = &self.connection.bmc;
        bmc.power_control(PowerControl::Reset).await.map_err(|error| self.connection.error(error))?;
        self.clock.sleep(AFTER_RESET.min(self.within)).await;
        Ok(())
    }

    /// Orders, then reads until the machine is there. A machine that is there already gets no order.
    async fn reach(&self, wanted: PowerState, order: PowerControl) -> Result<(), DriverError> {
        if read(&self.connection).await.map_err(|error| self.connection.error(error))? == wanted {
            return Ok(());
        }
        // What it took to get a word with the BMC is not the supply's time.
        let deadline = self.clock.instant() + self.within;
        let _calling = self.connection.trace.calling(self.connection.node, self.within);
        self.order(order, deadline).await?;
        let repeatable = matches!(order, PowerControl::Up | PowerControl::Down);
        let (mut pause, mut ordered_at) = (FIRST_PAUSE, self.clock.instant());
        loop {
            let error = match read(&self.connection).await {
                Ok(state) if state == wanted => return Ok(()),
                Ok(state) => {
                    let (within, wanted) = (self.within, wanted.as_str());
                    DriverError::TimedOut(format!(
                        "the machine did not reach {wanted:?} within {within:.0?}: its BMC says {:?}. Look at its power \
                         supply and into the BMC's event log",
                        state.as_str()
                    ))
                }
                Err(error) if error.is_worth_retrying() => self.connection.error(error),
                Err(error) => return Err(self.connection.error(error)),
            };
            let now = self.clock.instant();
            if now + pause >= deadline {
                return Err(error);
            }
            if repeatable && now - ordered_at >= ORDER_AGAIN {
                self.order(order, deadline).await?;
                ordered_at = now;
            }
            self.clock.sleep(pause).await;
            pause = (pause * 3 / 2).min(MAX_PAUSE);
        }
    }

    /// Gives the order; again after a second if the BMC says that it cannot do so just now.
    async fn order(&self, order: PowerControl, deadline: Instant) -> Result<(), DriverError> {
        const NOT_IN_THIS_STATE: u8 = 0xd5;
        loop {
            match self.connection.bmc.power_control(order).await {
                Ok(()) => return Ok(()),
                // It may have arrived; the reading will tell.
                Err(IpmiError::TimedOut { maybe_done: true, .. }) => return Ok(()),
                Err(IpmiError::Refused { code: NOT_IN_THIS_STATE, .. })
                    if self.clock.instant() + MAX_PAUSE < deadline =>
                {
                    self.clock.sleep(MAX_PAUSE).await;
                }
                Err(error) => return Err(self.connection.error(error)),
            }
        }
    }
}
