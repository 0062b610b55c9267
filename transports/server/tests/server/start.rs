//! First starts, second starts, and starts after a death.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command, time::Duration};

use crate::kit::{Server, folder, now, strongroom, succeed};

const RECORD: &str = r#"{"meta":"bWV0YQ==","value":"dmFsdWU="}"#;

/// Runs the printed line as it would be pasted.
fn paste(line: &str, elsewhere: &Path) -> String {
    let output = Command::new("sh").args(["-c", line]).current_dir(elsewhere).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn curl_line(server: &Server) -> String {
    let printed = server.stdout();
    let line = printed.lines().map(str::trim).find(|line| line.starts_with("curl "));
    line.unwrap_or_else(|| panic!("no curl line in {printed}")).to_owned()
}

#[test]
fn a_first_start_makes_everything_and_the_printed_curl_works_as_pasted() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let printed = server.stdout();
    let token = server.first_token();
    assert!(printed.contains(&token), "the first bearer token was not printed");
    let answer = paste(&format!("{} -sf", curl_line(&server)), Path::new("/"));
    assert!(answer.contains("\"first\"") && answer.contains("\"me\""), "{answer}");
    for line in
        [format!("native     http://{}/v1", server.public), format!("keyknox    http://{}", server.public)]
    {
        assert!(printed.contains(&line), "{line:?} is not in {printed}");
    }
}

#[test]
fn what_is_secret_is_readable_by_its_owner_only() {
    let folder = folder();
    let _server = Server::serve(folder.path(), &[]);
    let data = folder.path().join("strongroom-data");
    let mode = |name: &str| fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777;
    for name in ["operator.token", "first/application.key", "first/bearer.token", "running.json"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    for name in ["", "first"] {
        assert_eq!(mode(name), 0o700, "{name:?}");
    }
}

#[test]
fn a_second_start_finds_everything_again_and_shows_no_secret() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let token = server.first_token();
    assert_eq!(server.ask_as(&token, "PUT", "/v1/records/diary", RECORD).status, 200);
    server.stop();

    let server = Server::serve(folder.path(), &[]);
    let read = server.ask_as(&token, "GET", "/v1/records/diary", "");
    assert_eq!((read.status, &read.json()["value"]), (200, &"dmFsdWU=".into()), "{read:?}");
    let printed = server.stdout();
    assert!(!printed.contains(&token) && !printed.contains("private key"), "{printed}");
    assert!(paste(&format!("{} -sf", curl_line(&server)), Path::new("/")).contains("\"me\""));
}

#[test]
fn redb_keeps_everything_as_well() {
    let folder = folder();
    let redb = ["--set", "storage.kind=redb"];
    let server = Server::serve(folder.path(), &redb);
    let token = server.first_token();
    assert_eq!(server.ask_as(&token, "PUT", "/v1/records/diary", RECORD).status, 200);
    server.stop();
    let server = Server::serve(folder.path(), &redb);
    assert_eq!(server.ask_as(&token, "GET", "/v1/records/diary", "").status, 200);
}

#[test]
fn dev_serves_at_once_keeps_no_file_and_tells_how_to_be_its_operator() {
    let folder = folder();
    let mut command = strongroom(folder.path());
    command.args(["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    let server = Server::start(folder.path(), command);
    assert!(paste(&format!("{} -sf", curl_line(&server)), Path::new("/")).contains("\"me\""));
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name == "strongroom-data"), "{names:?}");

    let printed = server.stdout();
    let export = printed.lines().map(str::trim).find(|line| line.starts_with("export ")).unwrap();
    let (name, token) = export.trim_start_matches("export ").split_once('=').unwrap();
    let mut status = strongroom(folder.path());
    status.args(["admin", "status", "--server", &format!("http://{}", server.admin)]).env(name, token);
    let status = status.output().unwrap();
    assert!(String::from_utf8_lossy(&status.stdout).contains("memory"), "{status:?}");
}

#[test]
fn applications_of_the_configuration_are_synchronised_and_nothing_else_is_made() {
    let folder = folder();
    let key = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let file = folder.path().join("strongroom.toml");
    let application =
        format!("[[keyknox.applications]]\nid = \"shop\"\nkey_id = \"k1\"\npublic_key = \"{key}\"\n");
    fs::write(&file, &application).unwrap();
    let server = Server::serve(folder.path(), &[]);
    let apps = server.admin_json(&["app", "list"]);
    assert_eq!(apps.as_array().unwrap().len(), 1, "{apps}");
    assert_eq!(apps[0]["keys"][0]["source"], "config");
    assert!(!folder.path().join("strongroom-data/first").exists());
    server.stop();

    fs::write(&file, application.replace("k1", "k2")).unwrap();
    let server = Server::serve(folder.path(), &[]);
    let apps = server.admin_json(&["app", "list"]);
    assert_eq!(
        apps[0]["keys"].as_array().unwrap().len(),
        1,
        "a key that left the file is still good: {apps}"
    );
    assert_eq!(apps[0]["keys"][0]["key_id"], "k2");
}

/// F-01: killed at any moment under load, the server is ready again within two seconds, and every write that was
/// acknowledged is there.
#[test]
fn killed_under_load_it_is_ready_again_in_two_seconds_with_every_acknowledged_write() {
    let folder = folder();
    let mut server = Server::serve(folder.path(), &[]);
    let token = server.first_token();
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let host = server.public.clone();
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (host, token) = (host.clone(), token.clone());
                std::thread::spawn(move || {
                    let credential = format!("Bearer {token}");
                    let mut written = Vec::new();
                    for n in 0.. {
                        let name = format!("r{round}-w{writer}-{n}");
                        let headers = [("Authorization", credential.as_str())];
                        let answer =
                            crate::kit::ask(&host, "PUT", &format!("/v1/records/{name}"), &headers, RECORD);
                        match answer {
                            Ok(answer) if answer.status == 200 => written.push(name),
                            Ok(answer) => panic!("{answer:?}"),
                            Err(_) => break,
                        }
                    }
                    written
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(200 + 130 * round));
        server.signal("KILL");
        server.wait();
        for writer in writers {
            acknowledged.extend(writer.join().unwrap());
        }
        server = Server::serve(folder.path(), &[]);
        assert!(server.ready_after < Duration::from_secs(2), "ready after {:?}", server.ready_after);
    }
    assert!(acknowledged.len() > 20, "only {} writes", acknowledged.len());
    for name in &acknowledged {
        assert_eq!(server.ask_as(&token, "GET", &format!("/v1/records/{name}"), "").status, 200, "{name}");
    }
}

#[test]
fn a_supervisor_is_told_when_the_server_is_ready() {
    let folder = folder();
    let socket = std::os::unix::net::UnixDatagram::bind(folder.path().join("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut command = strongroom(folder.path());
    command
        .args(["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .env("NOTIFY_SOCKET", folder.path().join("notify"));
    let server = Server::start(folder.path(), command);
    let mut word = [0; 256];
    let length = socket.recv(&mut word).unwrap();
    assert!(word[..length].starts_with(b"READY=1"), "{:?}", String::from_utf8_lossy(&word[..length]));
    server.stop();
}

#[test]
fn a_running_server_says_so_and_a_stopped_one_does_not() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let before = now();
    assert_eq!(succeed(folder.path(), &["health"]), "ready\n");
    assert!(before.elapsed() < Duration::from_secs(5));
    server.stop();
    let said = crate::kit::refuse(folder.path(), &["--set", "admin.listen=127.0.0.1:1", "health"]);
    assert!(said.starts_with("no server answers at http://127.0.0.1:1"), "{said}");
}
