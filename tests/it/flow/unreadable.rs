//! One row that cannot be read: the engine goes on with all the others, from its start.

use std::path::Path;

use bessemer::model::State;
use bessemer::store::nodes;

use super::world::{Tested, World};

/// Runs SQL on the file behind the service's back.
#[expect(clippy::disallowed_methods, reason = "plays another program")]
fn meddle(dir: &Path, sql: &str) -> Tested {
    Ok(rusqlite::Connection::open(dir.join("store.sqlite"))?.execute_batch(sql)?)
}

#[tokio::test]
async fn a_start_puts_the_others_right_and_work_goes_on_beside_work_that_cannot_be_read() -> Tested {
    let world = World::new().await?;
    let (bad, lost, owed, fresh) =
        (world.enroll().await?, world.enroll().await?, world.enroll().await?, world.enroll().await?);
    let dir = world.close().await;
    meddle(
        dir.path(),
        &format!(
            "UPDATE nodes SET provision_state = 'cleaning', extra = '{{' WHERE uuid = '{bad}';
             UPDATE nodes SET provision_state = 'cleaning' WHERE uuid = '{lost}';
             INSERT INTO work (flow, node_uuid, stage, step, phase, attempt, since, due_at, created_at)
             VALUES ('melting', '{owed}', 'prepare', 0, 'ready', 0, 1, 1, 1)"
        ),
    )?;
    let world = World::at(dir).await?;
    world.settled(lost, State::CleanFailed).await?;
    world.walk(fresh, "manage", State::Manageable).await?;
    let left = world.store.read(move |read| nodes::find(read, bad)).await;
    assert!(left.is_err_and(|error| error.is_of_one_row()), "it is as it was");
    Ok(())
}
