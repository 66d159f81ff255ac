//! Where a flow's steps come from, and the engine's own steps.

use bessemer::model::{InterfaceKind, Node, Object, PowerState, State, Step};
use bessemer::provision::asked::AskedStep;
use bessemer::service::provision::Request;
use bessemer::service::{Refusal, Refused, deploy_templates, runbooks};
use bessemer::store::blobs::{self, BlobKind};
use bessemer::store::nodes;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::world::{Tested, World};
use InterfaceKind::{Bios, Deploy, Power, Raid, Vendor};

fn ask(interface: InterfaceKind, step: &str) -> AskedStep {
    AskedStep::new(interface, step)
}

fn at(priority: i64, ask: AskedStep) -> AskedStep {
    AskedStep { priority: Some(priority), ..ask }
}

fn clean(steps: Vec<AskedStep>) -> Request {
    Request { clean_steps: Some(steps), ..Request::target("clean") }
}

fn deploy(steps: Vec<AskedStep>) -> Request {
    Request { deploy_steps: Some(steps), ..Request::target("active") }
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

async fn change(world: &World, uuid: Uuid, change: impl Fn(&mut Node) + Clone + Send + 'static) -> Refused<()> {
    let changing = world.store.write(move |tx| {
        let before = bessemer::service::flow::load(tx, uuid)?;
        let mut node = before.clone();
        change(&mut node);
        nodes::update(tx, &before, &node)?;
        Ok::<_, Refusal>(())
    });
    changing.await
}

async fn available(world: &World) -> Result<Uuid, Box<dyn std::error::Error>> {
    let node = world.enroll().await?;
    change(world, node, |node| node.provision_state = State::Available).await?;
    Ok(node)
}

async fn manageable(world: &World) -> Result<Uuid, Box<dyn std::error::Error>> {
    let node = world.enroll().await?;
    change(world, node, |node| node.provision_state = State::Manageable).await?;
    Ok(node)
}

/// The list of a flow that stands still.
async fn list(world: &World, node: Uuid) -> Refused<Vec<String>> {
    let read = world.store.read(move |read| blobs::load_json::<Vec<Step>>(read, node, BlobKind::Steps));
    Ok(read.await?.unwrap_or_default().iter().map(|step| format!("{} {}", step.priority, step.name())).collect())
}

async fn template(world: &World, name: &str, steps: Value) -> Refused<()> {
    let body = map(json!({"name": name, "steps": steps}));
    world.store.write(move |tx| deploy_templates::create(tx, &body)).await?;
    Ok(())
}

#[tokio::test]
async fn the_engines_own_steps_run_at_any_interface_in_every_flow() -> Tested {
    let world = World::new().await?;
    let nap = AskedStep { args: map(json!({"seconds": 0})), ..ask(Raid, "wait") };
    let node = manageable(&world).await?;
    change(&world, node, |node| node.power_state = Some(PowerState::On)).await?;
    world.ask(node, clean(vec![ask(Deploy, "power_off"), nap.clone()])).await?;
    assert_eq!(world.settled(node, State::Manageable).await?.power_state, Some(PowerState::Off), "cleaning");
    world.ask(node, clean(vec![ask(Bios, "reboot")])).await?;
    assert_eq!(world.settled(node, State::Manageable).await?.power_state, Some(PowerState::On), "cleaning");

    change(&world, node, |node| node.provision_state = State::Available).await?;
    world.ask(node, deploy(vec![at(50, ask(Vendor, "power_off")), at(40, nap.clone())])).await?;
    assert_eq!(world.settled(node, State::Active).await?.power_state, Some(PowerState::Off), "a deploy");

    let service = Request { service_steps: Some(vec![nap, ask(Power, "power_on")]), ..Request::target("service") };
    world.ask(node, service).await?;
    assert_eq!(world.settled(node, State::Active).await?.power_state, Some(PowerState::On), "a service");
    Ok(())
}

#[tokio::test]
async fn a_client_overrides_templates_and_templates_the_driver() -> Tested {
    let world = World::new().await?;
    let node = available(&world).await?;
    let step = |interface: &str, step: &str, priority: i64| json!({"interface": interface, "step": step, "args": {}, "priority": priority});
    template(&world, "CUSTOM_A", json!([step("power", "reboot", 70), step("raid", "power_on", 60)])).await?;
    template(&world, "CUSTOM_B", json!([step("bios", "reboot", 70), step("deploy", "deploy", 0)])).await?;
    template(&world, "CUSTOM_OTHER", json!([step("vendor", "reboot", 99)])).await?;
    let traits = ["CUSTOM_A".to_owned(), "CUSTOM_B".to_owned(), "CUSTOM_PLAIN".to_owned()];
    world.store.write(move |tx| nodes::set_traits(tx, node, &traits)).await.map_err(Refusal::from)?;
    change(&world, node, |node| node.instance_info = json!({"traits": ["CUSTOM_B", "CUSTOM_A"]}).into()).await?;

    world.ask(node, deploy(vec![at(80, ask(Power, "hold")), at(10, ask(Raid, "power_on"))])).await?;
    world.settled(node, State::DeployHold).await?;
    let wanted = ["80 power.hold", "70 power.reboot", "70 bios.reboot", "10 raid.power_on"];
    assert_eq!(list(&world, node).await?, wanted);
    let failed = world.walk(node, "abort", State::DeployFailed).await?;
    assert!(!failed.instance_info.is_empty(), "what the instance was told is kept: {failed:?}");

    change(&world, node, |node| node.instance_info = json!({"traits": ["CUSTOM_NONE"]}).into()).await?;
    let refused = world.ask(node, deploy(vec![])).await;
    assert!(matches!(&refused, Err(Refusal::Invalid(why)) if why.contains("CUSTOM_NONE")), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn deploy_steps_that_cannot_be_done_are_refused_before_anything_happens() -> Tested {
    let world = World::new().await?;
    let node = available(&world).await?;
    let args = map(json!({"x": 1}));
    for (steps, named) in [
        (vec![at(50, ask(Deploy, "deploy"))], "core step"),
        (vec![at(50, ask(Raid, "reboot")), at(60, ask(Raid, "reboot"))], "more than once"),
        (vec![at(50, AskedStep { args, ..ask(Raid, "apply_configuration") })], "unexpected argument"),
        (vec![at(50, ask(Vendor, "send_raw"))], "not allowed"),
    ] {
        let refused = world.ask(node, deploy(steps)).await;
        assert!(matches!(&refused, Err(Refusal::Invalid(why)) if why.contains(named)), "{named}: {refused:?}");
        assert_eq!(world.node(node).await?.provision_state, State::Available);
    }
    Ok(())
}

#[tokio::test]
async fn cleaning_may_do_a_step_twice_and_refuses_what_needs_a_ramdisk_without_one() -> Tested {
    let world = World::new().await?;
    let node = manageable(&world).await?;
    let reset = || ask(Bios, "factory_reset");
    world.ask(node, clean(vec![reset(), reset(), ask(Deploy, "hold")])).await?;
    world.settled(node, State::CleanHold).await?;
    assert_eq!(list(&world, node).await?, ["0 bios.factory_reset", "0 bios.factory_reset", "0 deploy.hold"]);
    world.walk(node, "abort", State::CleanFailed).await?;
    world.walk(node, "manage", State::Manageable).await?;

    world.ask(node, Request { disable_ramdisk: Some(true), ..clean(vec![reset()]) }).await?;
    let failed = world.settled(node, State::CleanFailed).await?;
    assert!(failed.last_error.is_some_and(|why| why.contains("requires booting a ramdisk")));
    assert!(!failed.maintenance, "nothing was begun");
    Ok(())
}

#[tokio::test]
async fn passwords_in_arguments_are_not_shown_while_a_step_is_done() -> Tested {
    let world = World::new().await?;
    let node = manageable(&world).await?;
    let held = AskedStep { args: map(json!({"password": "geheim", "n": 1})), ..ask(Bios, "hold") };
    world.ask(node, clean(vec![held])).await?;
    let node = world.settled(node, State::CleanHold).await?;
    assert_eq!(node.clean_step.get("args"), Some(json!({"password": "******", "n": 1})));
    Ok(())
}

#[tokio::test]
async fn a_runbook_may_be_used_where_its_traits_allow_it_and_runs_in_its_order() -> Tested {
    let world = World::new().await?;
    let node = manageable(&world).await?;
    let steps = json!([
        {"interface": "bios", "step": "factory_reset", "order": 2},
        {"interface": "power", "step": "power_on", "order": 1},
    ]);
    let body = map(json!({"name": "CUSTOM_BOOK", "steps": steps, "disable_ramdisk": true}));
    world.store.write(move |tx| runbooks::create(tx, &body, false)).await?;
    let book = |by_name: bool| {
        let world = &world;
        async move {
            let read = world.store.read(move |read| {
                let node = bessemer::service::flow::load(read, node)?;
                runbooks::use_on(read, &node, "CUSTOM_BOOK", by_name)
            });
            read.await
        }
    };
    assert!(matches!(book(false).await, Err(Refusal::Invalid(why)) if why.contains("no traits")));
    assert!(matches!(book(true).await, Err(Refusal::Invalid(why)) if why.contains("approved")));
    let allow = |tx: &bessemer::store::Tx| {
        runbooks::change_traits(tx, "CUSTOM_BOOK", |names| names.push("CUSTOM_OK".to_owned()))
    };
    world.store.write(allow).await?;
    assert!(matches!(book(false).await, Err(Refusal::Invalid(why)) if why.contains("CUSTOM_OK")));
    let traits = ["CUSTOM_BOOK".to_owned(), "CUSTOM_OK".to_owned()];
    world.store.write(move |tx| nodes::set_traits(tx, node, &traits)).await.map_err(Refusal::from)?;
    for by_name in [false, true] {
        let (steps, disable_ramdisk) = book(by_name).await?;
        let names: Vec<_> = steps.iter().map(AskedStep::name).collect();
        assert_eq!((names, disable_ramdisk), (vec!["power.power_on".into(), "bios.factory_reset".into()], true));
    }
    Ok(())
}

/// A parent and its two children; the second has a power supply of its own.
async fn chassis(world: &World) -> Result<(Uuid, [Uuid; 2]), Box<dyn std::error::Error>> {
    let parent = manageable(world).await?;
    let children = [manageable(world).await?, manageable(world).await?];
    for child in children {
        change(world, child, move |node| node.parent_node = Some(parent)).await?;
    }
    let own = json!({"has_dedicated_power_supply": true});
    change(world, children[1], move |node| node.driver_info = Object::from(own.clone())).await?;
    Ok((parent, children))
}

async fn power(world: &World, node: Uuid) -> Refused<Option<PowerState>> {
    Ok(world.node(node).await?.power_state)
}

#[tokio::test]
async fn steps_run_on_the_children_that_they_are_for() -> Tested {
    let world = World::new().await?;
    let (parent, children) = chassis(&world).await?;
    let on = |only: Vec<String>| AskedStep {
        children: Some(bessemer::model::step::Children { only }),
        ..ask(Power, "power_on")
    };
    world.ask(parent, clean(vec![on(vec![children[1].to_string()])])).await?;
    world.settled(parent, State::Manageable).await?;
    assert_eq!(power(&world, children[0]).await?, None, "it was not named");
    assert_eq!(power(&world, children[1]).await?, Some(PowerState::On));

    // The child that hangs on its parent's supply finds it reserved by this very cleaning, and off.
    change(&world, parent, |node| node.power_state = Some(PowerState::On)).await?;
    world.ask(parent, clean(vec![on(vec![])])).await?;
    world.settled(parent, State::Manageable).await?;
    assert_eq!(power(&world, children[0]).await?, Some(PowerState::On));

    let strange = AskedStep { children: on(vec![]).children, ..ask(Raid, "imagined") };
    world.ask(parent, clean(vec![strange])).await?;
    let failed = world.settled(parent, State::CleanFailed).await?;
    let why = failed.last_error.unwrap_or_default();
    assert!(why.contains("raid.imagined") && why.contains(&children[0].to_string()), "{why}");
    Ok(())
}

#[tokio::test]
async fn power_runs_down_to_children_and_up_to_parents() -> Tested {
    use bessemer::model::PowerTarget;
    let world = World::new().await?;
    let (parent, children) = chassis(&world).await?;
    for node in [parent, children[0], children[1]] {
        change(&world, node, |node| node.power_state = Some(PowerState::On)).await?;
    }
    world.power(parent, PowerTarget::Off).await?;
    world.settled(parent, State::Manageable).await?;
    assert_eq!(power(&world, children[0]).await?, Some(PowerState::Off));
    assert_eq!(power(&world, children[1]).await?, Some(PowerState::On), "it has a supply of its own");

    change(&world, children[1], |node| node.power_state = Some(PowerState::Off)).await?;
    world.power(children[1], PowerTarget::On).await?;
    world.settled(children[1], State::Manageable).await?;
    assert_eq!(power(&world, parent).await?, Some(PowerState::Off), "nor does that one need its parent's");
    world.power(children[0], PowerTarget::On).await?;
    world.settled(children[0], State::Manageable).await?;
    assert_eq!(power(&world, parent).await?, Some(PowerState::On));
    assert_eq!(power(&world, children[0]).await?, Some(PowerState::On));
    Ok(())
}
