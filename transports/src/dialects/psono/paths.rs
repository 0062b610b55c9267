//! Every path there is, and through which door it is reached. What is done behind it is in `mod.rs`.

use super::rates::Counted;

/// Through which door a path is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// In plain, without a session, with a small body; counted.
    Open(Counted),
    /// In plain, without a session, with a body as large as those of sessions; counted.
    Access,
    /// Sealed, in a session.
    Session,
}

/// A path below the mount, without its final slash; `*` is any one segment.
pub(super) const PATHS: &[(&str, Door)] = &[
    ("info", Door::Open(Counted::Info)),
    ("healthcheck", Door::Open(Counted::Info)),
    ("api-key/login", Door::Open(Counted::ApiKeyLogin)),
    ("authentication/register", Door::Open(Counted::Registration)),
    ("authentication/verify-email", Door::Open(Counted::Login)),
    ("authentication/prelogin", Door::Open(Counted::Prelogin)),
    ("authentication/login", Door::Open(Counted::Login)),
    ("device-code", Door::Open(Counted::DevicePoll)),
    ("device-code/*/token", Door::Open(Counted::DevicePoll)),
    ("api-key-access/secret", Door::Access),
    ("api-key-access/inspect", Door::Access),
    ("authentication/activate-token", Door::Session),
    ("authentication/logout", Door::Session),
    ("authentication/sessions", Door::Session),
    ("session-key", Door::Session),
    ("user/search", Door::Session),
    ("device-code/*/claim", Door::Session),
    ("datastore", Door::Session),
    ("datastore/*", Door::Session),
    ("metadata-datastore/*", Door::Session),
    ("metadata-share/*", Door::Session),
    ("secret", Door::Session),
    ("secret/link", Door::Session),
    ("secret/history/*", Door::Session),
    ("secret/*", Door::Session),
    ("history/*", Door::Session),
    ("bulk-secret", Door::Session),
    ("bulk-secret-read", Door::Session),
    ("share", Door::Session),
    ("share/link", Door::Session),
    ("share/right", Door::Session),
    ("share/right/accept", Door::Session),
    ("share/right/decline", Door::Session),
    ("share/rights/*", Door::Session),
    ("share/*", Door::Session),
    ("api-key", Door::Session),
    ("api-key/secret", Door::Session),
    ("api-key/secret/*", Door::Session),
    ("api-key/*", Door::Session),
];

/// The door of a path, by its segments. Earlier rows win.
pub(super) fn door_of(segments: &[impl AsRef<str>]) -> Option<Door> {
    let matches = |path: &str| {
        let mut names = path.split('/');
        let all = segments
            .iter()
            .all(|segment| names.next().is_some_and(|name| name == "*" || name == segment.as_ref()));
        all && names.next().is_none()
    };
    PATHS.iter().find(|(path, _)| matches(path)).map(|(_, door)| *door)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(path: &str) -> Option<Door> {
        door_of(&path.split('/').collect::<Vec<_>>())
    }

    #[test]
    fn each_path_has_its_own_door() {
        for (path, expected) in PATHS {
            assert_eq!(door(path), Some(*expected), "{path}");
        }
        assert_eq!(door("secret/anything"), Some(Door::Session));
        for nowhere in
            ["", "infos", "info/x", "secret/history", "secret/a/b", "device-code/a/b", "share/right/x/y"]
        {
            let known = nowhere == "secret/history";
            assert_eq!(door(nowhere).is_some(), known, "{nowhere}");
        }
    }
}
