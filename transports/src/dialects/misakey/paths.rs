//! Every path. Clients use one spelling of the shares and the seed names another: both lead to the same place.

use super::{BODY_BYTES_MAX, SETUP_BODY_BYTES_MAX};

/// Which token a path takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// None.
    Open,
    /// That of somebody who is signed in.
    Access,
    /// That of somebody who is signing in.
    Process,
}

/// What a path leads to. `door` where the same thing has two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route<'p> {
    Csrf,
    Shares { door: Door },
    Share { door: Door, hash: &'p str },
    Backups,
    Backup { hash: &'p str },
    Storage { door: Door },
    Setup { door: Door },
    AsymKeys,
    BoxShares,
    BoxShare { in_box: &'p str },
    Password { account: &'p str },
    PasswordParams { account: &'p str },
}

/// What decoded segments lead to, if to anything.
pub(super) fn route_of<'p>(segments: &[&'p str]) -> Option<Route<'p>> {
    use Door::{Access, Process};
    Some(match *segments {
        ["csrf"] => Route::Csrf,
        ["root-key-shares"] | ["crypto", "root-key-shares"] => Route::Shares { door: Access },
        ["root-key-shares", hash] | ["crypto", "root-key-shares", hash] => {
            Route::Share { door: Access, hash }
        }
        ["auth", "account-root-key-shares"] => Route::Shares { door: Process },
        ["auth", "account-root-key-shares", hash] => Route::Share { door: Process, hash },
        ["backup-key-shares"] => Route::Backups,
        ["backup-key-shares", hash] => Route::Backup { hash },
        ["crypto", "secret-storage"] => Route::Storage { door: Access },
        ["auth", "secret-storage"] => Route::Storage { door: Process },
        ["crypto", "migration", "v2"] => Route::Setup { door: Access },
        ["auth", "crypto", "migration", "v2"] => Route::Setup { door: Process },
        ["crypto", "secret-storage", "asym-keys"] => Route::AsymKeys,
        ["crypto", "secret-storage", "box-key-shares"] => Route::BoxShares,
        ["crypto", "secret-storage", "box-key-shares", in_box] => Route::BoxShare { in_box },
        ["accounts", account, "password"] => Route::Password { account },
        ["accounts", account, "pwd-params"] => Route::PasswordParams { account },
        _ => return None,
    })
}

impl Route<'_> {
    /// The methods that it takes, as `Allow` lists them.
    pub(super) const fn methods(&self) -> &'static str {
        match self {
            Self::Shares { door: Door::Access } => "POST, DELETE",
            Self::Share { door: Door::Access, .. } => "GET, DELETE",
            Self::Csrf | Self::Share { .. } | Self::Backup { .. } | Self::Storage { .. } => "GET",
            Self::PasswordParams { .. } => "GET",
            Self::Shares { .. } | Self::Backups | Self::Setup { .. } => "POST",
            Self::AsymKeys => "POST, DELETE",
            Self::BoxShares => "DELETE",
            Self::BoxShare { .. } | Self::Password { .. } => "PUT",
        }
    }

    /// Which token a request with this method takes; `None` if the method is not for it.
    pub(super) fn door(&self, method: &str) -> Option<Door> {
        if !self.methods().split(", ").any(|known| known == method) {
            return None;
        }
        Some(match self {
            Self::Csrf | Self::PasswordParams { .. } => Door::Open,
            Self::Shares { door } | Self::Share { door, .. } => *door,
            Self::Storage { door } | Self::Setup { door } => *door,
            _ => Door::Access,
        })
    }

    /// The largest body, in bytes.
    pub(super) const fn body_bytes_max(&self) -> usize {
        match self {
            Self::Setup { .. } => SETUP_BODY_BYTES_MAX,
            _ => BODY_BYTES_MAX,
        }
    }
}
