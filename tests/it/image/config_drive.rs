//! A config drive that we made, read back by somebody else.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use bessemer::clock;
use bessemer::image::config_drive::{LABEL, prepare};
use bessemer::image::iso;
use serde_json::json;
use uuid::Uuid;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Runs a reader, or says why it cannot and, with `BESSEMER_LAB=1`, fails for it.
fn reader(program: &str, arguments: &[&str]) -> Result<Option<String>> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let text =
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            if output.status.success() { Ok(Some(text)) } else { Err(format!("{program}: {text}").into()) }
        }
        Err(error) if std::env::var_os("BESSEMER_LAB").is_some() => Err(format!("{program}: {error}").into()),
        Err(error) => {
            println!("skipped: {program}: {error}");
            Ok(None)
        }
    }
}

fn unpack(text: &str) -> Result<Vec<u8>> {
    let packed = base64::engine::general_purpose::STANDARD.decode(text)?;
    let mut drive = vec![];
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut drive)?;
    Ok(drive)
}

#[test]
fn an_independent_reader_finds_every_file_as_it_was_given() -> Result {
    let object = json!({
        "meta_data": {"public_keys": {"me": "ssh-ed25519 AAAA"}, "hostname": "böse"},
        "network_data": {"links": [], "networks": [], "services": []},
        "user_data": "#!/bin/sh\necho hello\n",
        "vendor_data": {"a": [1, 2, 3]},
    });
    let text = prepare(
        object.to_string().as_bytes(),
        Uuid::from_u128(7),
        Some("node-7"),
        clock::from_micros(1_790_000_000_000_000),
    )?;
    let drive = unpack(&text.ok_or("no config drive")?)?;
    let dir = tempfile::tempdir()?;
    let (image, out) = (dir.path().join("drive.iso"), dir.path().join("out"));
    std::fs::write(&image, &drive)?;
    let (image, out_text) = (image.display().to_string(), out.display().to_string());
    let Some(told) = reader("xorriso", &["-indev", &image, "-osirrox", "on", "-extract", "/", &out_text])? else {
        return Ok(());
    };
    assert!(told.contains(&format!("'{LABEL}'")), "{told}");
    let read = |path: &str| std::fs::read(Path::new(&out).join(path));
    for version in ["2012-08-10", "latest"] {
        let meta_data: serde_json::Value =
            serde_json::from_slice(&read(&format!("openstack/{version}/meta_data.json"))?)?;
        assert_eq!(meta_data["uuid"], Uuid::from_u128(7).to_string());
        assert_eq!((&meta_data["name"], &meta_data["hostname"]), (&json!("node-7"), &json!("böse")));
        assert_eq!(meta_data["public_keys"], object["meta_data"]["public_keys"]);
        assert_eq!(read(&format!("openstack/{version}/user_data"))?, b"#!/bin/sh\necho hello\n");
        for (key, file) in [("network_data", "network_data.json"), ("vendor_data", "vendor_data2.json")] {
            let found: serde_json::Value = serde_json::from_slice(&read(&format!("openstack/{version}/{file}"))?)?;
            assert_eq!(found, object[key]);
        }
    }
    Ok(())
}

#[test]
fn all_three_trees_hold_many_files() -> Result {
    let many: Vec<iso::File> = (0..200)
        .map(|n| iso::File {
            path: format!("dir-{:02}/a longer file name {n:03}.json", n % 7),
            bytes: vec![n as u8; n * 20],
        })
        .collect();
    let drive = iso::write(LABEL, &many, clock::from_micros(0))?;
    let dir = tempfile::tempdir()?;
    let image = dir.path().join("drive.iso");
    std::fs::write(&image, &drive)?;
    let image = image.display().to_string();
    // Rock Ridge, Joliet, and the bare names of ECMA-119.
    for (tree, name) in
        [("any", "a longer file name"), ("norock", "a longer file name"), ("ecma119", "A_LONGER_FILE_NAME")]
    {
        let list = reader("xorriso", &["-read_fs", tree, "-indev", &image, "-find", "/", "-type", "f"])?;
        let Some(list) = list else { return Ok(()) };
        assert_eq!(list.matches(name).count(), 200, "{tree}: {list}");
    }
    Ok(())
}

#[test]
fn the_same_input_gives_the_same_text() -> Result {
    let given = br#"{"meta_data":{"a":1},"user_data":{"list":[1]}}"#;
    let once = prepare(given, Uuid::nil(), None, clock::from_micros(5))?;
    assert_eq!(once, prepare(given, Uuid::nil(), None, clock::from_micros(5))?);
    Ok(())
}

#[test]
fn a_linux_kernel_mounts_it_by_both_sets_of_names() -> Result {
    let text = prepare(br#"{"meta_data":{"a":1}}"#, Uuid::nil(), None, clock::from_micros(0))?;
    let dir = tempfile::tempdir()?;
    let (image, at) = (dir.path().join("drive.iso"), dir.path().join("mnt"));
    std::fs::write(&image, unpack(&text.ok_or("no config drive")?)?)?;
    std::fs::create_dir(&at)?;
    let (image, at_text) = (image.display().to_string(), at.display().to_string());
    if let Some(label) = reader("blkid", &["-o", "value", "-s", "LABEL", &image])? {
        assert_eq!(label.trim(), LABEL);
    }
    // A kernel may lack the file system, and no test asks for another kernel: the lab's machines mount theirs.
    let known = std::fs::read_to_string("/proc/filesystems")?.contains("iso9660");
    if !known || !nix::unistd::geteuid().is_root() || std::env::var_os("BESSEMER_LAB").is_none() {
        println!("skipped: mounting needs root, a kernel with iso9660, and BESSEMER_LAB=1");
        return Ok(());
    }
    for options in ["loop,ro", "loop,ro,norock"] {
        reader("mount", &["-t", "iso9660", "-o", options, &image, &at_text])?;
        let found = std::fs::read(at.join("openstack/2012-08-10/meta_data.json"));
        reader("umount", &[&at_text])?;
        assert_eq!(found?, br#"{"a":1,"uuid":"00000000-0000-0000-0000-000000000000"}"#, "{options}");
    }
    Ok(())
}
