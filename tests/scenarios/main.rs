//! The same stories over every transport, told by the real client: in memory, over HTTP, over a WebSocket beside HTTP
//! and over one that stands alone; and sealed, in memory and over a WebSocket.
//!
//! A story knows no transport. Whatever holds over one holds over all, and where it does not, the name of the test says
//! which story and which transport.

#![expect(clippy::unwrap_used, reason = "whatever fails here fails the test that wanted it")]

mod admission;
mod api_keys;
mod cuts;
mod people;
mod pin_recovery;
mod recovery;
mod service_keys;
mod shares;
mod sharing;
mod stage;
mod stories;

/// Tells every story over every transport.
macro_rules! tell {
    ($($story:ident)*) => {
        tell!(@ memory Memory: $($story)*);
        tell!(@ http Http: $($story)*);
        tell!(@ web_socket_beside_http WebSocketBesideHttp: $($story)*);
        tell!(@ web_socket_alone WebSocketAlone: $($story)*);
        tell!(@ sealed_memory SealedMemory: $($story)*);
        tell!(@ sealed_web_socket SealedWebSocket: $($story)*);
    };
    (@ $module:ident $transport:ident: $($story:ident)*) => {
        mod $module {
            $(
                #[actix_rt::test]
                async fn $story() {
                    let stage = crate::stage::Stage::open(crate::stage::Transport::$transport).await;
                    crate::stories::$story(&stage).await;
                }
            )*
        }
    };
}

tell! {
    a_write_names_the_state_that_it_replaces
    of_many_writers_each_loses_nothing
    a_retry_under_the_same_key_is_the_same_write
    listings_are_whole_and_know_only_what_one_may_read
    a_former_version_can_be_seen_and_brought_back
    a_recipient_reads_and_follows_until_access_is_withdrawn
    deleting_takes_one_record_and_resetting_takes_all_that_begin_so
    a_watch_shows_every_event_once_and_goes_on_where_it_stood
    a_watch_that_is_too_far_behind_is_told_of_the_gap
    a_thousand_broken_connections_lose_no_event_and_double_none
    a_revoked_session_is_refused_and_its_watch_ends
    an_erased_account_is_gone
    sizes_are_exact_at_the_edge
    a_receipt_proves_a_head
    a_person_signs_up_keeps_keys_and_enters_the_vault
    a_wrong_passphrase_opens_nothing_and_is_told_at_the_next_sign_in
    a_machine_signs_in_with_an_api_key_and_does_what_the_key_allows
    secrets_are_attached_to_an_api_key_and_detached
    a_secret_hangs_in_a_datastore_and_keeps_its_history
    a_restricted_api_key_reaches_attached_secrets_only
    a_share_is_offered_accepted_used_and_taken_back
    a_share_hangs_in_several_places_and_never_below_itself
    rights_on_many_shares_are_listed_in_pages
    a_captured_sign_in_with_an_api_key_is_good_for_nothing
    the_operator_makes_a_chain_and_gives_out_its_keys
    an_account_makes_and_sees_no_chain_and_no_key
    a_service_key_signs_its_own_requests
    a_secret_is_shared_among_holders_and_recovered
    a_recovery_is_vetoed_and_an_escrow_dealt_anew
    an_owner_sees_guesses_at_a_pin_and_takes_back_what_was_deleted
}
