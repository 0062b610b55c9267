use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::*;

/// A folder with a configuration in it, and the flags and variables beside it.
struct Case {
    folder: TempDir,
    sources: Sources,
}

impl Case {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        fs::write(&file, text).unwrap();
        Self { folder, sources: Sources { file: Some(file), ..Sources::default() } }
    }

    fn variable(mut self, name: &str, text: &str) -> Self {
        self.sources.variables.push((name.to_owned(), text.to_owned()));
        self
    }

    fn flag(mut self, flag: &str, key: &str, text: &str) -> Self {
        let [flag, key, text] = [flag, key, text].map(str::to_owned);
        self.sources.flags.push(Flag { flag, key, text });
        self
    }

    fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn load(&self) -> Loaded {
        load(&self.sources).unwrap_or_else(|complaint| panic!("{complaint}"))
    }

    /// The refusal, with the folder's own path left out.
    fn refusal(&self) -> String {
        let complaint = load(&self.sources).err().expect("it was not refused");
        complaint.to_string().replace(&format!("{}/", self.folder.path().display()), "")
    }
}

fn text_of(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_the_defaults() {
    let file = "[server]\nworkers = 3\nwrite_threads = 2\nidle_timeout_s = 7\n";
    let case = Case::new(file)
        .variable("STRONGROOM__SERVER__WORKERS", "4")
        .variable("STRONGROOM__SERVER__WRITE_THREADS", "5")
        .flag("--set server.workers", "server.workers", "6");
    let loaded = case.load();
    let server = &loaded.config.server;
    assert_eq!(
        (server.workers, server.write_threads, server.idle_timeout_s, server.head_timeout_s),
        (6, 5, 7, 5)
    );
    let from = |key| loaded.layers.place_of(key).replace(text_of(case.folder.path()), "");
    assert_eq!(from("server.workers"), "flag --set server.workers");
    assert_eq!(from("server.write_threads"), "variable STRONGROOM__SERVER__WRITE_THREADS");
    assert_eq!(from("server.idle_timeout_s"), "/a.toml:4");
    assert_eq!(from("server.head_timeout_s"), "default");
}

#[test]
fn the_data_folder_has_a_short_variable_and_the_long_one_wins() {
    let short = Case::new("[storage]\npath = \"a\"\n").variable("STRONGROOM_DATA", "b");
    assert_eq!(short.load().config.storage.path, Path::new("b"));
    let both = short.variable("STRONGROOM__STORAGE__PATH", "c");
    assert_eq!(both.load().config.storage.path, Path::new("c"));
}

#[test]
fn variables_hold_lists_tables_and_text_that_looks_like_a_number() {
    let key = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let application =
        format!("[{{ id = \"a\", key_id = \"1\", public_key = \"{key}\", rights = [\"get\"] }}]");
    let case = Case::new("")
        .variable("STRONGROOM__CORS__ORIGINS", "https://a.example, https://b.example")
        .variable("STRONGROOM__SERVER__LISTEN", "[\"127.0.0.1:1\", \"[::1]:2\"]")
        .variable("STRONGROOM__STORAGE__PATH", "2026")
        .variable("STRONGROOM__KEYKNOX__APPLICATIONS", &application);
    let config = case.load().config;
    assert_eq!(config.cors.origins, ["https://a.example", "https://b.example"]);
    assert_eq!(config.server.listen.0.len(), 2);
    assert_eq!(config.storage.path, Path::new("2026"));
    assert_eq!(config.keyknox.applications[0].public_key.as_ref().unwrap().to_string(), key);
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_what_was_probably_meant() {
    let said = Case::new("\n[server]\nlisen = \"127.0.0.1:1\"\n").refusal();
    assert_eq!(said, "a.toml:3: server.lisen: there is no such key; did you mean listen?");
    let said = Case::new("[sever]\n").refusal();
    assert_eq!(said, "a.toml:1: sever: there is no such key; did you mean server?");
    let said = Case::new("origins = []\n").refusal();
    assert_eq!(said, "a.toml:1: origins: there is no such key here; it belongs under [cors]");
    let said = Case::new("[[keyknox.applications]]\nid = \"a\"\npublickey = \"\"\n").refusal();
    assert_eq!(
        said,
        "a.toml:3: keyknox.applications.0.publickey: there is no such key; did you mean public_key?"
    );
    let said = Case::new("").variable("STRONGROOM__SERVER__WORKRES", "1").refusal();
    assert!(said.starts_with("variable STRONGROOM__SERVER__WORKRES: server.workres: "), "{said}");
    let said = Case::new("").flag("--set server.x", "server.x", "1").refusal();
    assert!(said.starts_with("flag --set server.x: server.x: there is no such key"), "{said}");
}

#[test]
fn a_value_that_does_not_fit_is_named_with_its_line() {
    for (text, expected) in [
        ("[server]\nlisten = \"localhost\"\n", "a.toml:2: server.listen: "),
        ("[server]\nlisten = [\"127.0.0.1:1\", 7]\n", "a.toml:2: server.listen"),
        ("[server]\nworkers = \"many\"\n", "a.toml:2: server.workers: invalid type"),
        ("[server]\nworkers = -1\n", "a.toml:2: server.workers: "),
        ("[storage]\nkind = \"sledd\"\n", "a.toml:2: storage.kind: unknown variant"),
        ("server = 3\n", "a.toml:1: server: invalid type"),
        ("[log]\nlevel = \"a=b=c\"\n", "a.toml:2: log.level: "),
        ("[cors]\norigins = [\"*\"]\n", "a.toml:2: cors.origins: "),
        ("[keyknox]\nmount = \"keyknox\"\n", "a.toml:2: keyknox.mount: "),
        ("[keyknox]\nmount = \"/v1\"\n", "a.toml:2: keyknox.mount: /v1 belongs"),
        ("[limits]\nin_flight_max = 0\n", "a.toml:2: limits.in_flight_max: at least 1"),
        ("[limits]\nvalue_bytes_max = 3000000\n", "a.toml:2: limits.value_bytes_max: "),
        (
            "[limits]\nwrapped_private_key_bytes_max = 1100000\n",
            "a.toml:2: limits.wrapped_private_key_bytes_max: twice a private key",
        ),
        (
            "[limits]\nbody_bytes_max = 1000\n",
            "a.toml:2: limits.body_bytes_max: a record at its limits needs",
        ),
        ("[psono]\nbody_bytes_max = 0\n", "a.toml:2: psono.body_bytes_max: 1 to "),
        ("[psono]\nmount = \"/meeco/vault\"\n", "a.toml:2: psono.mount: meeco.vault_mount is the same"),
        ("[misakey]\nmount = \"/psono\"\n", "a.toml:2: misakey.mount: psono.mount is the same"),
        ("[misakey]\nrealm = \"psono\"\n", "a.toml:2: misakey.realm: another service"),
        ("[misakey]\nclient = \"\"\n", "a.toml:2: misakey.client: a name"),
        ("[misakey]\nshare_life_s = 0\n", "a.toml:2: misakey.share_life_s: at least"),
        ("[misakey]\nshares_max = 1001\n", "a.toml:2: misakey.shares_max: 1 to 1000"),
        ("[psono]\nrealm = \"users\"\n", "a.toml:2: psono.realm: another service"),
        ("[psono]\nweb_client = \"https://x/\"\n", "a.toml:2: psono.web_client: an address without"),
        ("[meeco]\nbody_bytes_max = 0\n", "a.toml:2: meeco.body_bytes_max: 1 to "),
        ("[meeco]\nbody_bytes_max = 99999999999\n", "a.toml:2: meeco.body_bytes_max: 1 to "),
        ("[server.tls]\ncertificate = \"c.pem\"\n", "a.toml:2: server.tls.certificate: "),
        ("[admin]\nlisten = \"127.0.0.1:8470\"\n", "a.toml:2: admin.listen: 127.0.0.1:8470 is listened on"),
        ("[server]\nlisten = []\n", "a.toml:2: server.listen: at least one"),
        ("[keyknox.gateway]\nsecret = \"short\"\n", "a.toml:2: keyknox.gateway.secret: at least 16"),
        ("[[keyknox.applications]]\nkey_id = \"1\"\n", "a.toml:1: keyknox.applications.0.id: "),
        ("a = \n", "a.toml:1: "),
    ] {
        let said = Case::new(text).refusal();
        assert!(said.starts_with(expected), "{text:?} was refused with {said:?}");
        assert_eq!(said.lines().count(), 1, "{said:?}");
    }
}

#[test]
fn off_loopback_it_takes_tls_or_a_declared_proxy_and_the_refusal_names_the_line_to_add() {
    let open = "[server]\nlisten = \"0.0.0.0:8470\"\n";
    let said = Case::new(open).refusal();
    assert!(said.starts_with("a.toml:2: server.listen: 0.0.0.0:8470 "), "{said}");
    assert!(
        said.contains("`behind_tls_proxy = true` under [server]") && said.contains("[server.tls]"),
        "{said}"
    );
    Case::new(&format!("{open}behind_tls_proxy = true\n")).load();
    Case::new(&format!("{open}[server.tls]\ncertificate = \"c\"\nkey = \"k\"\n")).load();
    let said = Case::new("").flag("--listen", "server.listen", "[::]:8470").refusal();
    assert!(said.starts_with("flag --listen: server.listen: [::]:8470 "), "{said}");
    let said = Case::new("[admin]\nlisten = \"0.0.0.0:1\"\n").refusal();
    assert!(said.contains("`behind_tls_proxy = true` under [admin]"), "{said}");
}

/// A-ADM-07: a secret that every user can read is warned of, and one on the command line is refused.
#[test]
fn secrets_that_others_can_read_are_warned_of_or_refused() {
    let secret = "[keyknox.gateway]\nsecret = \"correct horse battery\"\n";
    let case = Case::new(secret);
    let file = case.file("a.toml", secret, 0o644);
    assert!(case.load().warnings.iter().any(|warning| warning.contains("chmod 600")), "no warning");
    case.file("a.toml", secret, 0o640);
    assert_eq!(case.load().warnings, Vec::<String>::new());
    assert!(file.exists());

    let flag = "--set keyknox.gateway.secret";
    let said = Case::new("").flag(flag, "keyknox.gateway.secret", "correct horse battery").refusal();
    assert!(said.contains("can be read by every user") && said.contains("SECRET_FILE"), "{said}");
    assert!(!said.contains("correct horse"), "{said}");
}

#[test]
fn a_secret_is_read_from_a_file_in_every_layer_but_not_beside_itself() {
    let case = Case::new("");
    let file = case.file("secret", "correct horse battery\n", 0o600);
    let expose = |loaded: &Loaded| {
        let secret = loaded.config.keyknox.gateway.secret.as_ref();
        secret.map(|secret| secret.0.expose().to_owned())
    };
    let case = case.variable("STRONGROOM__KEYKNOX__GATEWAY__SECRET_FILE", text_of(&file));
    assert_eq!(expose(&case.load()).as_deref(), Some("correct horse battery"));

    let in_file = format!("[keyknox.gateway]\nsecret_file = \"{}\"\n", file.display());
    let loaded = Case::new(&in_file).load();
    assert_eq!(expose(&loaded).as_deref(), Some("correct horse battery"));
    let overridden =
        Case::new(&in_file).variable("STRONGROOM__KEYKNOX__GATEWAY__SECRET", "battery staple horse");
    assert_eq!(expose(&overridden.load()).as_deref(), Some("battery staple horse"));

    let both = format!("{in_file}secret = \"correct horse battery\"\n");
    assert!(Case::new(&both).refusal().contains("one of the two has to go"));
    let missing = Case::new("[keyknox.gateway]\nsecret_file = \"/nonexistent/secret\"\n").refusal();
    assert!(missing.starts_with("a.toml:2: keyknox.gateway.secret_file: /nonexistent/secret: "), "{missing}");
}

/// A-LEAK-01: whatever is wrong with a secret, the refusal does not repeat it.
#[test]
fn a_refusal_never_repeats_a_secret() {
    for text in [
        "[keyknox.gateway]\nsecret = 31337313373133731337\n",
        "[keyknox.gateway]\nsecret = 3133731337\n",
        "[keyknox.gateway]\nsecret = [\"canary\"]\n",
        "[keyknox.gateway]\nsecret = \"canary\n",
        "[[keyknox.applications]]\nid = \"a\"\nkey_id = \"1\"\npublic_key = \"canary\"\n",
        "[[keyknox.applications]]\nid = \"a\"\nkey_id = \"1\"\npublic_key = 3133731337\n",
    ] {
        let said = Case::new(text).refusal();
        assert!(!said.contains("canary") && !said.contains("31337"), "{said}");
    }
}

#[test]
fn a_named_file_has_to_be_there_and_the_usual_one_does_not() {
    let sources = Sources { file: Some("/nonexistent/a.toml".into()), ..Sources::default() };
    let said = load(&sources).err().unwrap().to_string();
    assert!(said.starts_with("/nonexistent/a.toml: the configuration file cannot be read"), "{said}");
    assert!(load(&Sources::default()).is_ok());
}

#[test]
fn a_key_listed_twice_is_a_slip() {
    let key = "public_key = \"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"";
    let one = format!("[[keyknox.applications]]\nid = \"a\"\nkey_id = \"1\"\n{key}\n");
    Case::new(&one).load();
    let said = Case::new(&format!("{one}{one}")).refusal();
    assert!(said.starts_with("a.toml:7: keyknox.applications.1.key_id: this key is listed twice"), "{said}");
}

/// A-LEAK-01: whatever is wrong with a chain is said without its root key.
#[test]
fn a_chain_is_whole_or_not_there_at_all() {
    const CHAIN: &str = "dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr";
    const KEY: &str = "canary15MghGrpMwzz9EK2j3huQTFwH1EULdmofGXPD";
    let on = "[storage]\nkind = \"memory\"\n[dragonchain]\nenabled = true\n";
    let chain = format!("chain = \"{CHAIN}\"\nroot_key_id = \"EAYRMSXDOSWY\"\n");
    let loaded = Case::new(&format!("{on}{chain}root_key = \"{KEY}\"\n")).load();
    assert!(loaded.config.dragonchain.chain.is_some());
    assert!(loaded.warnings.iter().all(|warning| !warning.contains("missing")), "{:?}", loaded.warnings);
    for (text, place, said) in [
        (format!("{on}{chain}"), "a.toml:5: dragonchain.chain: ", "`root_key` is missing"),
        (format!("{on}root_key = \"{KEY}\"\n"), "a.toml:5: dragonchain.root_key: ", "`chain` is missing"),
        (
            format!("{on}{chain}root_key = \"canary\"\n"),
            "a.toml:7: dragonchain.root_key: ",
            "32 to 256 letters",
        ),
        (
            format!("{on}{chain}root_key = \"{KEY} \"\n"),
            "a.toml:7: dragonchain.root_key: ",
            "32 to 256 letters",
        ),
        (format!("{on}chain = \"O0\"\n"), "a.toml:5: dragonchain.chain: ", "base58"),
        (format!("{on}root_key_id = \"a\"\n"), "a.toml:5: dragonchain.root_key_id: ", "upper-case"),
        (
            format!("{on}{}root_key = \"{KEY}\"\n", chain.replace("EAYR", "SC_")),
            "a.toml:6: dragonchain.root_key_id: ",
            "other kinds of keys",
        ),
        (format!("{on}mount = \"/psono\"\n"), "a.toml:5: dragonchain.mount: ", "psono.mount is the same"),
        (format!("{on}mount = \"/v1\"\n"), "a.toml:5: dragonchain.mount: ", "native interface"),
        (format!("{on}url = \"https://a/\"\n"), "a.toml:5: dragonchain.url: ", "without a slash"),
        (format!("{on}listen = \"0.0.0.0:1\"\n"), "a.toml:5: dragonchain.listen: ", "without TLS"),
        (
            format!("{on}listen = \"127.0.0.1:8470\"\n"),
            "a.toml:5: dragonchain.listen: ",
            "listened on already",
        ),
        ("[dragonchain]\nenabled = true\n".to_owned(), "a.toml:2: dragonchain.enabled: ", "root_key_file"),
    ] {
        let refusal = Case::new(&text).refusal();
        assert!(refusal.starts_with(place) && refusal.contains(said), "{text}: {refusal}");
        assert!(!refusal.contains("canary"), "{refusal}");
    }
    let off = Case::new(&format!("[dragonchain]\n{chain}")).load();
    assert!(off.warnings.iter().any(|warning| warning.contains("`enabled = true` is missing")));
}

/// A-LEAK-01: whatever is wrong with a realm of recovery is said without the keys of its tenants.
#[test]
fn realms_of_recovery_are_whole_and_know_their_tenants() {
    const ID: &str = "07070707070707070707070707070707";
    const KEY: &str = "canary7890123456789012345678901234567890";
    let on = "[storage]\nkind = \"memory\"\n[pin_recovery]\nenabled = true\n";
    let realm = format!("[[pin_recovery.realms]]\nid = \"{ID}\"\n");
    let tenant = format!("[[pin_recovery.tenants]]\nname = \"acme\"\nkey = \"{KEY}\"\n");
    let loaded = Case::new(&format!("{on}{realm}{tenant}")).load();
    assert_eq!(loaded.config.pin_recovery.realms[0].back_off_s, [0, 0, 30, 300, 3600]);
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let two = Case::new(&format!("{on}{realm}{}{tenant}", realm.replace("07\"", "08\""))).load();
    assert!(two.warnings.iter().any(|warning| warning.contains("one operator has the shares of all")));
    let sealed = "[storage]\npath = \"data\"\nroot_key_file = \"r\"\n[pin_recovery]\nenabled = true\n";
    for (text, said) in [
        (format!("{on}{tenant}"), "there is no [[pin_recovery.realms]]"),
        (format!("{on}{realm}"), "there is no [[pin_recovery.tenants]]"),
        (format!("{on}{tenant}{}", realm.replace("07\"", "0G\"")), "32 digits of hexadecimal"),
        (format!("{on}{tenant}{realm}{realm}"), "this realm is listed twice"),
        (format!("{on}{tenant}{realm}guesses_max = 21\n"), "at most 20"),
        (format!("{on}{realm}{tenant}{tenant}"), "this version is listed twice"),
        (format!("{on}{realm}{}", tenant.replace("acme", "ac-me")), "letters and digits"),
        (format!("{on}{realm}{}", tenant.replace(KEY, "canary")), "pin_recovery.tenants.0.key: "),
        (format!("{on}mount = \"/psono\"\n{realm}{tenant}"), "psono.mount is the same"),
        (format!("[pin_recovery]\nenabled = true\n{realm}{tenant}"), "root_key_file"),
        (format!("{sealed}{realm}{tenant}"), "name one that lies outside"),
        (format!("{sealed}mark_file = \"data/x/../marks\"\n{realm}{tenant}"), "a backup would take it along"),
        (format!("{on}{realm}{tenant}accounts = \"a\"\n{tenant}key_version = 2\n"), "have the same accounts"),
    ] {
        let refusal = Case::new(&text).refusal();
        assert!(refusal.contains(said), "{text}: {refusal}");
        assert!(!refusal.contains("canary"), "{refusal}");
    }
    Case::new(&format!("{sealed}mark_file = \"marks\"\n{realm}{tenant}")).load();
}

/// A secret in a list may be in a file, as any other.
#[test]
fn the_key_of_a_tenant_may_be_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, "12345678901234567890123456789012").unwrap();
    let tenant = "[[pin_recovery.tenants]]\nname = \"acme\"\n";
    let config = Case::new(&format!("{tenant}key_file = \"{}\"\n", file.display())).load().config;
    let key = config.pin_recovery.tenants[0].key.as_ref().unwrap();
    assert_eq!(key.0.expose(), "12345678901234567890123456789012");
    let missing = Case::new(&format!("{tenant}key_file = \"/nonexistent/key\"\n")).refusal();
    assert!(missing.starts_with("a.toml:3: pin_recovery.tenants.0.key_file: "), "{missing}");
}

#[test]
fn a_chain_is_named_by_variables_or_by_files_that_these_name() {
    let on = "[storage]\nkind = \"memory\"\n[dragonchain]\nenabled = true\nroot_key_id = \"OTHER\"\n";
    let secret = "6S0c15MghGrpMwzz9EK2j3huQTFwH1EULdmofGXPDuj";
    let case = Case::new(on);
    let [chain, key] = [("chain", "dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr\n"), ("key", secret)]
        .map(|(name, text)| case.file(name, text, 0o600));
    let case = case
        .variable("STRONGROOM_DRAGONCHAIN_ID_FILE", text_of(&chain))
        .variable("STRONGROOM_DRAGONCHAIN_ROOT_KEY_ID", "EAYRMSXDOSWY")
        .variable("STRONGROOM_DRAGONCHAIN_ROOT_KEY_FILE", text_of(&key))
        .variable("STRONGROOM_DRAGONCHAIN_ROOT_KEY", "");
    let config = case.load().config.dragonchain;
    assert_eq!(config.chain.unwrap().as_str(), "dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr");
    assert_eq!(config.root_key_id.unwrap().as_str(), "EAYRMSXDOSWY");
    assert!(config.root_key.unwrap().0.matches(secret));
    let twice = case.variable("STRONGROOM_DRAGONCHAIN_ID", "x").refusal();
    assert_eq!(
        twice,
        "variable STRONGROOM_DRAGONCHAIN_ID_FILE: STRONGROOM_DRAGONCHAIN_ID is given as well; one of the two has to go"
    );
    let missing = Case::new(on).variable("STRONGROOM_DRAGONCHAIN_ID_FILE", "/nonexistent/chain").refusal();
    assert!(
        missing.starts_with("variable STRONGROOM_DRAGONCHAIN_ID_FILE: /nonexistent/chain: "),
        "{missing}"
    );
}
