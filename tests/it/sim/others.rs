//! Clients who have no machine of their own: one who wants any, and one who looks after the service.

use std::sync::Arc;
use std::time::Duration;

use bessemer::provision::Event;
use bessemer::sim::bmc::Action;
use hyper::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::book::{Ended, Kind};
use super::client::{Client, Told};
use super::owner::uuid_of;
use super::world::World;

/// Somebody who wants machines by what they are, and gives them back.
pub async fn allocate(world: Arc<World>) {
    let client = Client::new(world.clone(), 1000);
    let (mut held, mut hurry): (Vec<Uuid>, bool) = Default::default();
    for number in 0..world.plan.acts * 2 {
        if !hurry {
            client.pause(300).await;
        }
        if client.is_over() {
            return;
        }
        let busy = !hurry && client.one_in(2);
        if busy {
            keep_busy(&client).await;
        }
        if !hurry && (held.is_empty() || client.one_in(2)) {
            let told = client.ask(Method::POST, "/v1/allocations", Some(wanted(&client, number))).await;
            if let Told::Answer(201, made) = told
                && let Some(uuid) = uuid_of(&made)
            {
                world.book.open().allocations.insert(uuid);
                held.push(uuid);
                // Who does not wait for what is waiting deletes it.
                hurry = busy && client.one_in(2);
            }
            continue;
        }
        let at =
            if std::mem::take(&mut hurry) { held.len() - 1 } else { client.chance.below(held.len() as u64) as usize };
        let uuid = held.swap_remove(at);
        world.book.open().doomed.entry(uuid).or_default().ask();
        let told = client.ask(Method::DELETE, &format!("/v1/allocations/{uuid}"), None).await;
        let (mut book, now) = (world.book.open(), world.clock.instant());
        book.doomed.entry(uuid).or_default().told(told.ended(), now);
        match told {
            Told::Answer(204, _) => book.deleted_allocations.push(uuid),
            Told::Answer(404, _) => {}
            _ => held.push(uuid),
        }
    }
}

/// Makes some free machines busy for a moment, so that whoever wants one has to wait for it.
async fn keep_busy(client: &Client) {
    for machine in &client.world.rack.machines {
        let name = &machine.model.name;
        let told = client.ask(Method::GET, &format!("/v1/nodes/{name}"), None).await;
        if matches!(told, Told::Answer(200, node) if node["provision_state"] == "available") {
            let (path, body) = (format!("/v1/nodes/{name}/states/power"), json!({"target": "rebooting"}));
            let _ = client.ask_for(name, &[Kind::Down], &path, body).await;
        }
    }
}

fn wanted(client: &Client, number: u64) -> Value {
    let mut body = json!({"resource_class": "baremetal"});
    let machines = &client.world.rack.machines;
    let name = &machines[client.chance.below(machines.len() as u64) as usize].model.name;
    match client.chance.below(6) {
        0 => body["traits"] = json!(["CUSTOM_A"]),
        1 => body["candidate_nodes"] = json!([name]),
        // One that is in use already.
        2 => body = json!({"node": name}),
        _ => {}
    }
    if !client.one_in(3) {
        body["name"] = format!("allocation-{number}").into();
    }
    body
}

/// Whoever looks after the service: makes a runbook, and releases the store when it is in hold.
pub async fn keep(world: Arc<World>) {
    let client = Client::new(world.clone(), 1001);
    let step = json!({"interface": "deploy", "step": "erase_devices_metadata", "args": {}, "order": 1});
    let runbook = json!({"name": "CUSTOM_RESET", "steps": [step], "traits": ["CUSTOM_RESET"]});
    let mut made = false;
    while !client.is_over() {
        client.pause(240).await;
        if !made {
            let told = client.ask(Method::POST, "/v1/runbooks", Some(runbook.clone())).await;
            made = matches!(told, Told::Answer(201 | 409, _));
        }
        let Told::Answer(200, shown) = client.ask(Method::GET, "/bessemer/v1/hold", None).await else { continue };
        if shown["held"] == true {
            tempt(&client).await;
            if client.one_in(2) {
                release(&client).await;
            }
        }
    }
}

/// Asks a service in hold for what it must not do, while somebody switches a machine off and on by hand.
async fn tempt(client: &Client) {
    let machines = &client.world.rack.machines;
    let machine = &machines[client.chance.below(machines.len() as u64) as usize];
    let (name, manage) = (&machine.model.name, Kind::Verb(Event::Manage));
    client.world.touch(machine, Action::Off);
    let _ = client.ask(Method::POST, "/v1/allocations", Some(wanted(client, 1000))).await;
    let requests: [(&str, &[Kind], Value); 3] = [
        ("states/power", &[], json!({"target": "power on"})),
        ("states/provision", &[manage], json!({"target": "manage"})),
        ("management/boot_device", &[], json!({"boot_device": "disk"})),
    ];
    for (path, kinds, body) in requests {
        let _ = client.ask_for(name, kinds, &format!("/v1/nodes/{name}/{path}"), body).await;
    }
    client.world.touch(machine, Action::On);
}

/// Releases the store. Whoever has its work abandoned asks for the end of what is held, too, which is an abort.
async fn release(client: &Client) -> Ended {
    let (world, abandon) = (&client.world, client.one_in(3));
    let names = world.rack.machines.iter().map(|machine| machine.model.name.as_str());
    let ended: Vec<&str> = names.filter(|_| abandon).collect();
    ended.iter().for_each(|name| world.book.open().asked(name).ask(Kind::Verb(Event::Abort)));
    let path = format!("/bessemer/v1/hold?abandon_work={abandon}");
    let told = client.ask(Method::DELETE, &path, None).await.ended();
    let now = world.clock.instant();
    ended.iter().for_each(|name| world.book.open().asked(name).told(Kind::Verb(Event::Abort), told, now));
    told
}

/// How often what must be done at the end is tried, once nothing goes wrong any more.
const TRIES: u32 = 200;

/// Undoes what would keep the world from coming to rest: a hold, and maintenance that a client began.
pub async fn tidy(world: &Arc<World>) {
    let client = Client::new(world.clone(), 1002);
    let mut wanted = vec!["/bessemer/v1/hold".to_owned()];
    wanted.extend(world.rack.machines.iter().map(|machine| format!("/v1/nodes/{}/maintenance", machine.model.name)));
    for _ in 0..TRIES {
        let Some(path) = wanted.last() else { return };
        match client.ask(Method::DELETE, path, None).await {
            Told::Answer(200..=299 | 404, _) => drop(wanted.pop()),
            _ => world.clock.sleep(Duration::from_secs(5)).await,
        }
    }
    world.book.breach(format!("{wanted:?} could not be undone"));
}
