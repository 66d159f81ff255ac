//! Configuration: what is refused and in which words, and that what is printed means the same when it is read.

use bessemer::config::{Key, Problems, Settings, Typed, keys, print};

mod meaning;
mod refusal;

/// The settings of a file, an environment and flags. Errors call the file `bessemer.toml`.
fn settings(
    file: &str,
    environment: &[(&str, &str)],
    flags: &[(&'static Key, &str, &str)],
) -> Result<Settings, Problems> {
    Settings::from_typed(&typed(file, environment, flags)?)
}

fn typed(file: &str, environment: &[(&str, &str)], flags: &[(&'static Key, &str, &str)]) -> Result<Typed, Problems> {
    let environment = environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let flags: Vec<_> = flags.iter().map(|(key, flag, text)| (*key, *flag, (*text).to_owned())).collect();
    let mut typed = Typed::default();
    typed.add_file("bessemer.toml", file)?;
    typed.add_environment(environment);
    typed.add_flags(&flags);
    Ok(typed)
}

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() -> Result<(), Problems> {
    let file = "db = \"file\"\n[power_sync]\ninterval_secs = 5\n";
    let environment =
        [("BESSEMER_DB", "environment"), ("BESSEMER_LISTEN", "127.0.0.1:2"), ("BESSEMER_POWER_SYNC_FORCE", "true")];
    let got = settings(file, &environment, &[(keys::LISTEN, "--listen", "127.0.0.1:3")])?;
    assert_eq!(got.db.to_str(), Some("environment"));
    assert_eq!(got.listen.port(), 3);
    assert_eq!(got.power_sync.interval.as_secs(), 5);
    assert!(got.power_sync.force);
    assert_eq!(got.timeouts.deploy_callback.as_secs(), 1800);
    Ok(())
}

#[test]
fn what_is_printed_is_a_file_that_means_the_same() -> Result<(), Problems> {
    let before = typed(
        "automated_clean = false\n[dhcp]\ndns = [\"10.0.0.1\", \"10.0.0.2\"]\n[dhcp.reservations]\n\
         \"52:54:00:00:00:01\" = \"10.0.0.5\"\n\"52:54:00:00:00:02\" = { address = \"10.0.0.6\", name = \"web1\" }\n",
        &[("BESSEMER_DB", "a \"b\" c")],
        &[],
    )?;
    let printed = print::render(&before);
    let after = typed(&printed, &[], &[])?;
    for key in keys::KEYS {
        assert_eq!(before.value(key), after.value(key), "{}", key.path);
    }
    assert!(printed.contains("from BESSEMER_DB; the default is \"bessemer.sqlite\""), "{printed}");
    Ok(())
}

#[test]
fn every_default_and_every_example_is_a_value_that_its_key_takes() {
    for key in keys::KEYS {
        let (table, word) = key.parts();
        let (keys::Fallback::Is(toml) | keys::Fallback::Absent(toml)) = key.default;
        let head = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
        let mut typed = Typed::default();
        assert_eq!(typed.add_file("it", &format!("{head}{word} = {toml}\n")), Ok(()), "{}", key.path);
        assert!(typed.given(key).is_some(), "{}: {toml}", key.path);
    }
}

#[test]
fn zero_configuration_serves_the_api_on_loopback_and_nothing_else() -> Result<(), Problems> {
    let got = Settings::defaults()?;
    assert_eq!(got.listen.to_string(), "127.0.0.1:6385");
    assert!(got.provisioning.is_none() && got.dhcp.is_none());
    assert_eq!(got.db.to_str(), Some("bessemer.sqlite"));
    Ok(())
}

/// `examples/lab.toml` is the complete example: a new setting has to be shown there too, if only as a comment.
#[test]
fn the_lab_s_file_shows_every_setting_and_means_something() -> Result<(), Problems> {
    let file = include_str!("../../../examples/lab.toml");
    let got = typed(file, &[], &[])?;
    Settings::from_typed(&got)?;
    for key in keys::KEYS {
        let (table, word) = key.parts();
        let lines = file.lines().scan(String::new(), |open, line| {
            if let Some(name) = line.strip_prefix('[') {
                *open = name.trim_end_matches(']').to_owned();
            }
            Some((open.clone(), line))
        });
        let shown = |line: &str| line.trim_start_matches("# ").split_once(" = ").is_some_and(|(name, _)| name == word);
        assert!(lines.into_iter().any(|(open, line)| open == table && shown(line)), "{} is not shown", key.path);
    }
    Ok(())
}
