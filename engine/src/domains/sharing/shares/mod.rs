//! Shares: ciphertexts that several accounts may see, and the rights of each of them.
//!
//! Whoever creates a share may do everything with it. Others are offered a right, with the share's key sealed for
//! them, and have it once they accept. Rights end when they are revoked or expire.

mod answer;
mod content;
mod create;
mod links;
mod list;
mod members;
mod offer;
mod rows;

pub use answer::{AcceptShare, Accepted, DeclineShare};
pub use content::{GetShare, SaveShare, Share};
pub use create::CreateShare;
pub use links::{DeleteShareLink, MoveShareLink, PlaceShareLink};
pub use list::{ListShares, OwnShareRight, SharePage};
pub use members::{ListShareRights, MemberRight};
pub use offer::{ChangeShareRight, OfferShare, RevokeShareRight};
pub(super) use rows::StoredShare;
pub(crate) use rows::{drop_right, drop_share, place_and_member};
