//! What a driver is handed: one node, for as long as one piece of work takes.
//!
//! A task holds copies. What the driver changes in them is recorded as *changes*: at a checkpoint the engine applies the
//! difference between what was read and what is there now to the row as it is then, column by column and JSON key by
//! JSON key, so that whoever wrote another column meanwhile is not undone.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{BootDevice, DriverError, Environment, Fut};
use crate::model::secret::Sealed;
use crate::model::{
    BiosSetting, BootPlan, FirmwareComponent, FlowName, ImageGrant, Node, Object, Port, PowerTarget, Step,
};
use crate::provision::asked::AskedStep;

/// See the head of this file.
pub struct Task {
    pub node: Node,
    pub ports: Vec<Port>,
    pub traits: Vec<String>,
    /// What is being walked; none for a single act such as a validation.
    pub flow: Option<FlowName>,
    /// What the request gave along (power target, steps, …).
    pub args: Object,
    /// The steps that the flow was asked to do.
    pub asked: Vec<AskedStep>,
    /// The config drive as the client gave it with this request: text or a JSON object. Only for a deploy.
    pub config_drive: Option<Arc<[u8]>>,
    pub env: Environment,
    /// Whether this is periodic reading.
    pub in_background: bool,
    /// What the machine was told to boot from just once, while it may have been running.
    pub next_boot: Option<BootDevice>,
    /// What the agent reported, when an inspection is being finished.
    pub inspection_data: Option<Map<String, Value>>,
    /// What an earlier inspection left: `{"inventory": …, "plugin_data": …}`. Only for an inspection or a deploy.
    pub known_inventory: Option<Value>,
    /// The same of this one, until the inspection rules have gone through it.
    pub inspected: Option<Value>,
    /// Steps that the agent told of in this piece of work; the engine merges them into the list.
    pub agent_steps: Option<Vec<Step>>,
    /// What shall be kept beside the node's row.
    pub changes: Changes,
    checkpoint: Option<Arc<dyn Checkpoint>>,
    family: Option<Arc<dyn Family>>,
    drives: Option<Arc<dyn Drives>>,
    base: Node,
    secrets: HashMap<&'static str, Vec<(String, Sealed)>>,
    plan: Option<BootPlan>,
    grant: Option<ImageGrant>,
}

/// What a task leaves behind beside the node's row. Applied in the same transaction.
#[derive(Debug, Default)]
pub struct Changes {
    /// `Some(None)` removes the stored plan.
    pub boot_plan: Option<Option<BootPlan>>,
    /// Leave for the machine to fetch its image; it goes with the work.
    pub image_grant: Option<ImageGrant>,
    /// `{"inventory": …, "plugin_data": …}`
    pub inventory: Option<Value>,
    /// Ports to create. One whose address is known already, here or on another node, is not made.
    pub new_ports: Vec<Port>,
    /// Ports to change, whole rows as this task read and altered them.
    pub ports: Vec<Port>,
    /// All BIOS settings that the machine has now; those that are not among them are gone.
    pub bios: Option<Vec<BiosSetting>>,
    /// All firmware that the machine has now.
    pub firmware: Option<Vec<FirmwareComponent>>,
    /// Ports to delete.
    pub removed_ports: Vec<Uuid>,
    /// Forget the agent: its token, certificate and address are void (the machine was switched off).
    pub forget_agent: bool,
    /// Forget the rescue password: the machine has it, or nobody will want it any more.
    pub forget_rescue_password: bool,
}

/// The columns that can hold secrets.
pub const SECRET_COLUMNS: [&str; 3] = ["driver_info", "instance_info", "driver_internal_info"];

impl Task {
    pub fn new(node: Node, ports: Vec<Port>, traits: Vec<String>, env: Environment) -> Self {
        Task {
            base: node.clone(),
            node,
            ports,
            traits,
            flow: None,
            args: Object::default(),
            asked: Vec::new(),
            config_drive: None,
            env,
            in_background: false,
            next_boot: None,
            inspection_data: None,
            known_inventory: None,
            inspected: None,
            agent_steps: None,
            changes: Changes::default(),
            checkpoint: None,
            family: None,
            drives: None,
            secrets: HashMap::new(),
            plan: None,
            grant: None,
        }
    }

    /// Gives the task the secrets of a column, and the stored boot plan. For the engine, when it builds a task.
    pub fn with_secrets(mut self, column: &'static str, secrets: Vec<(String, Sealed)>) -> Self {
        self.secrets.insert(column, secrets);
        self
    }

    pub fn with_plan(mut self, plan: Option<BootPlan>) -> Self {
        self.plan = plan;
        self
    }

    pub fn with_grant(mut self, grant: Option<ImageGrant>) -> Self {
        self.grant = grant;
        self
    }

    /// `driver_info` with its secrets in place. Never log or store it.
    pub fn driver_info(&self) -> Map<String, Value> {
        self.opened("driver_info", &self.node.driver_info)
    }

    /// `instance_info` with its secrets in place, but without the config drive, which is [`Task::config_drive`].
    pub fn instance_info(&self) -> Map<String, Value> {
        self.opened("instance_info", &self.node.instance_info)
    }

    fn opened(&self, column: &str, shown: &Object) -> Map<String, Value> {
        let mut value = Value::Object(shown.map());
        for (pointer, sealed) in self.secrets.get(column).into_iter().flatten() {
            if let Some(place) = value.pointer_mut(pointer) {
                *place = sealed.open().clone();
            }
        }
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    /// One secret by column and JSON pointer, such as `("driver_internal_info", "/agent_secret_token")`.
    pub fn secret(&self, column: &str, pointer: &str) -> Option<&Value> {
        let found = self.secrets.get(column)?.iter().find(|(at, _)| at == pointer)?;
        Some(found.1.open())
    }

    /// The same task for periodic reading, which lets the commands of people pass.
    pub fn in_background(mut self) -> Self {
        self.in_background = true;
        self
    }

    /// The stored plan, or the one that this task has put in its place.
    pub fn boot_plan(&self) -> Option<&BootPlan> {
        match &self.changes.boot_plan {
            Some(changed) => changed.as_ref(),
            None => self.plan.as_ref(),
        }
    }

    /// The key under which the machine may fetch the image `name`. One that was given stays, since an agent may be using it.
    pub fn image_key(&mut self, name: &str) -> String {
        let given = self.changes.image_grant.as_ref().or(self.grant.as_ref()).filter(|grant| grant.name == name);
        let key = given.map_or_else(|| self.env.random.token(), |grant| grant.key.clone());
        self.changes.image_grant = Some(ImageGrant { key: key.clone(), name: name.to_owned() });
        key
    }

    /// The node as it was read, or as the last checkpoint left it.
    pub fn base(&self) -> &Node {
        &self.base
    }

    /// Who keeps the task's changes midway. For the engine, when it builds a task.
    pub fn with_checkpoint(mut self, checkpoint: Arc<dyn Checkpoint>) -> Self {
        self.checkpoint = Some(checkpoint);
        self
    }

    /// Who knows the machines whose power hangs on this one's. For the engine, when it builds a task.
    pub fn with_family(mut self, family: Arc<dyn Family>) -> Self {
        self.family = Some(family);
        self
    }

    /// Where the config drive is that was given before. For the engine, when it builds a task.
    pub fn look_for_drive_in(&mut self, drives: Arc<dyn Drives>) {
        self.drives = Some(drives);
    }

    pub fn drives(&self) -> Option<&Arc<dyn Drives>> {
        self.drives.as_ref()
    }

    /// Brings the power of relatives into line with what is about to be done to this machine's.
    pub async fn prepare_family(&self, target: PowerTarget) -> Result<(), DriverError> {
        match (&self.family, target) {
            (Some(family), PowerTarget::On) => family.parent_on(&self.node).await,
            (Some(family), PowerTarget::Off) => family.children_off(&self.node).await,
            _ => Ok(()),
        }
    }

    /// Commits what has changed so far. To be called before something happens that others will see and ask us about:
    /// a machine that is switched on asks for its boot plan within a second.
    pub async fn save(&mut self) -> Result<(), DriverError> {
        match self.checkpoint.clone() {
            Some(checkpoint) => checkpoint.save(self).await,
            None => Ok(()),
        }
    }

    /// After a checkpoint: what is stored now is the new base, and `saved` needs no saving again.
    pub fn rebase(&mut self, stored: Node, saved: &Changes) {
        if let Some(plan) = &saved.boot_plan {
            self.plan = plan.clone();
        }
        if let Some(grant) = &saved.image_grant {
            self.grant = Some(grant.clone());
        }
        self.node = stored.clone();
        self.base = stored;
    }
}

/// Keeps a task's changes before the task is over.
pub trait Checkpoint: Send + Sync {
    fn save<'a>(&'a self, task: &'a mut Task) -> Fut<'a, Result<(), DriverError>>;
}

/// The config drives that are kept. One may be long, so it is not in memory before somebody needs it.
pub trait Drives: Send + Sync {
    /// How long a node's is, if it has one.
    fn bytes(&self, node: Uuid) -> Fut<'_, Result<Option<usize>, DriverError>>;
    fn load(&self, node: Uuid) -> Fut<'_, Result<Option<Vec<u8>>, DriverError>>;
}

/// The machines whose power hangs on another's.
pub trait Family: Send + Sync {
    /// Switches the parent on that feeds `node`, if it is off.
    fn parent_on<'a>(&'a self, node: &'a Node) -> Fut<'a, Result<(), DriverError>>;
    /// Switches the children off that `node` feeds.
    fn children_off<'a>(&'a self, node: &'a Node) -> Fut<'a, Result<(), DriverError>>;
}
