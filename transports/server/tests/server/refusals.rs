//! Everything that keeps a server from starting: one line, exit code 1, nothing touched.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::{Command, Output},
};

use crate::kit::{BINARY, Server, damage_rows, folder, one_line, refuse, strongroom};

const ANY_PORT: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

fn serve_refused(folder: &Path, more: &[&str]) -> String {
    refuse(folder, &[&["serve"], &ANY_PORT[..], more].concat())
}

/// A server that ran here and ended.
fn served_before(folder: &Path) {
    Server::serve(folder, &[]).stop();
}

#[test]
fn a_port_in_use_is_named_with_the_key_to_change() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refuse(folder.path(), &["serve", "--listen", &address, "--admin-listen", "127.0.0.1:0"]);
    assert_eq!(
        said,
        format!(
            "flag --listen: server.listen: {address}: another program listens there; stop it, or set another port here"
        )
    );
    let said = refuse(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--admin-listen", &address]);
    assert!(said.starts_with(&format!("flag --admin-listen: admin.listen: {address}: ")), "{said}");
}

#[test]
fn off_loopback_without_tls_it_does_not_start_and_names_the_line_to_add() {
    let folder = folder();
    let said = refuse(folder.path(), &["serve", "--listen", "0.0.0.0:0"]);
    assert!(said.contains("`behind_tls_proxy = true` under [server]"), "{said}");
    assert!(!folder.path().join("strongroom-data").exists(), "something was made before the refusal");
}

/// F-09: the store is open in another process.
#[test]
fn a_second_server_in_the_same_folder_does_not_start() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    let said = serve_refused(folder.path(), &[]);
    assert!(said.contains("is already open in another process"), "{said}");
    let said = refuse(folder.path(), &["store", "check"]);
    assert!(said.contains("is already open in another process"), "{said}");
    assert_eq!(server.ask("GET", "/readyz", &[], "").status, 200, "the running one was disturbed");
}

/// F-09: the folder above the data folder is missing.
#[test]
fn a_missing_parent_folder_is_named() {
    let folder = folder();
    let said = serve_refused(folder.path(), &["--data", "no/such/place"]);
    assert!(said.starts_with("the data folder no/such/place cannot be made"), "{said}");
}

#[test]
fn a_data_folder_that_is_a_file_is_named() {
    let folder = folder();
    fs::write(folder.path().join("strongroom-data"), "").unwrap();
    assert_eq!(serve_refused(folder.path(), &[]), "strongroom-data is not a folder");
}

/// Runs the binary as a user without privileges, with the data folder as that user finds it.
fn serve_as_nobody(folder: &Path) -> Output {
    const NOBODY: &str = "65534";
    // Everybody may come as far as the test's own folder and run the binary.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    let binary = folder.join("strongroom");
    fs::copy(BINARY, &binary).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]).arg(&binary);
    command.arg("serve").args(ANY_PORT).current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin");
    command.output().unwrap()
}

/// Whether this test may act as other users; only then can it see what they are told.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// F-09: the folder belongs to another user.
#[test]
fn a_folder_of_another_user_is_named() {
    if !is_root() {
        println!("not root: what another user is told cannot be seen");
        return;
    }
    let folder = folder();
    served_before(folder.path());
    let said = one_line(&serve_as_nobody(folder.path()));
    assert!(said.contains("permission") || said.contains("Permission"), "{said}");
    assert!(said.contains("strongroom-data"), "{said}");
}

/// F-09: the folder may be read and not written.
#[test]
fn a_read_only_folder_is_named() {
    if !is_root() {
        println!("not root: what another user is told cannot be seen");
        return;
    }
    let folder = folder();
    let data = folder.path().join("strongroom-data");
    fs::create_dir(&data).unwrap();
    chown(&data, Some(65534), Some(65534)).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o555)).unwrap();
    let said = one_line(&serve_as_nobody(folder.path()));
    assert!(said.contains("permission") && said.contains("strongroom-data"), "{said}");
}

/// A-STO-02: a flipped byte in the data files is noticed before anything is served, and nothing is written over it.
#[test]
fn a_damaged_store_is_not_served() {
    let folder = folder();
    served_before(folder.path());
    let file = folder.path().join("strongroom-data/store/FORMAT");
    let before = fs::read(&file).unwrap();
    fs::write(&file, &before[1..]).unwrap();
    let said = serve_refused(folder.path(), &[]);
    assert!(said.starts_with("damaged data in strongroom-data/store: "), "{said}");
    assert_eq!(fs::read(&file).unwrap(), &before[1..]);
}

/// A-STO-02: the same for a byte in the rows themselves.
#[test]
fn a_flipped_byte_among_the_rows_is_not_served() {
    let folder = folder();
    served_before(folder.path());
    assert!(damage_rows(folder.path()) > 0, "the first session's label lies in the store as it is");
    let said = serve_refused(folder.path(), &[]);
    assert!(said.starts_with("damaged data in strongroom-data/store"), "{said}");
}

/// A-STO-08: data of a later release is refused and stays untouched.
#[test]
fn data_of_a_newer_format_is_refused_and_left_alone() {
    let folder = folder();
    served_before(folder.path());
    let file = folder.path().join("strongroom-data/store/FORMAT");
    let newer = fs::read_to_string(&file).unwrap().replace("format 1", "format 2");
    fs::write(&file, &newer).unwrap();
    let rows = fs::read(folder.path().join("strongroom-data/store/sled/db")).unwrap();
    let said = serve_refused(folder.path(), &[]);
    assert!(said.contains("was written in format 2, and this release knows formats up to 1"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), newer);
    assert_eq!(fs::read(folder.path().join("strongroom-data/store/sled/db")).unwrap(), rows);
}

#[test]
fn a_store_of_another_backend_is_named() {
    let folder = folder();
    served_before(folder.path());
    let said = serve_refused(folder.path(), &["--set", "storage.kind=redb"]);
    assert!(said.contains("holds a sled store, not a redb store"), "{said}");
}

#[test]
fn tls_files_that_cannot_be_used_are_named() {
    let folder = folder();
    fs::write(folder.path().join("c.pem"), "nothing").unwrap();
    let tls = ["--set", "server.tls.certificate=c.pem", "--set", "server.tls.key=missing.pem"];
    let said = serve_refused(folder.path(), &tls);
    assert!(said.contains("server.tls.") && said.contains(".pem"), "{said}");
}

/// A-ADM-07: a secret on the command line is refused before anything happens.
#[test]
fn a_secret_on_the_command_line_is_refused() {
    let folder = folder();
    let said = serve_refused(folder.path(), &["--set", "keyknox.gateway.secret=canary-canary-canary"]);
    assert!(said.contains("can be read by every user") && !said.contains("canary"), "{said}");
    let output = strongroom(folder.path()).args(["admin", "--token", "canary", "status"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "there is no flag that takes a token");
}
