//! Limits of the engine and of the edge.

use std::time::Duration;

use strongroom_transports::EdgeLimits;

use crate::config::section::section;

pub(super) fn engine() -> strongroom_engine::Limits {
    strongroom_engine::Limits::default()
}

fn edge() -> EdgeLimits {
    EdgeLimits::default()
}

section! {
    /// Limits. What is over one is refused by name, never cut short.
    Limits {
        /// The largest request body, in bytes.
        body_bytes_max: usize = edge().body_bytes_max;
        /// How deep JSON may nest.
        json_depth_max: usize = edge().json_depth_max;
        /// Seconds that a request may take from its last byte to its answer.
        request_within_s: u64 = edge().request_within.as_secs();
        /// Subscriptions of one WebSocket connection.
        subscriptions_max: usize = edge().subscriptions_max;
        /// Questions of one WebSocket connection that wait for their answers.
        asks_in_flight_max: usize = edge().asks_in_flight_max;
        /// Commands in flight per domain before callers are told to come back later.
        in_flight_max: usize = engine().in_flight_max;
        /// Sign-ins and other heavy commands, being computed and waiting for a processor, before callers are told to
        /// come back later.
        heavy_max: usize = engine().heavy_max;
        /// Queued commands of one account that are committed together.
        lane_batch_max: usize = engine().lane_batch_max;
        /// How often a command is decided again after losing a race.
        conflict_retries_max: usize = engine().conflict_retries_max;
        /// Seconds for which the answer under an idempotency key is kept.
        idempotency_ttl_s: u64 = engine().idempotency_ttl.as_secs();
        /// `meta` of the record `keyknox-v1`, in bytes.
        single_meta_bytes_max: usize = engine().single_meta_bytes_max;
        /// `meta` of every other record, in bytes.
        meta_bytes_max: usize = engine().meta_bytes_max;
        /// `value` of a record, in bytes.
        value_bytes_max: usize = engine().value_bytes_max;
        /// Recipients of one record.
        recipients_max: usize = engine().recipients_max;
        /// Versions of a record that history keeps, the present one included.
        history_versions_max: u64 = engine().history_versions_max;
        /// Seconds for which history keeps a version that is no longer the present one.
        history_retention_s: u64 = engine().history_retention.as_secs();
        /// Live records of one account.
        account_records_max: u64 = engine().account_records_max;
        /// Bytes of `meta` and `value` in the live records of one account.
        account_bytes_max: u64 = engine().account_bytes_max;
        /// Wrapped keys of one account.
        account_keys_max: u64 = engine().account_keys_max;
        /// A wrapped KEK or DEK, in bytes of its text.
        wrapped_key_bytes_max: usize = engine().wrapped_key_bytes_max;
        /// A wrapped private key, in bytes of its text.
        wrapped_private_key_bytes_max: usize = engine().wrapped_private_key_bytes_max;
        /// Metadata of a key pair, in bytes of its JSON.
        key_pair_metadata_bytes_max: usize = engine().key_pair_metadata_bytes_max;
        /// Seconds for which an admission token is good.
        admission_token_life_s: u64 = engine().admission_token_life.as_secs();
        /// Services that one account asks admission to.
        account_audiences_max: usize = engine().account_audiences_max;
        /// Labels and other short texts of a vault, in bytes.
        vault_text_bytes_max: usize = engine().vault_text_bytes_max;
        /// Slots of one item of a vault.
        item_slots_max: usize = engine().item_slots_max;
        /// An item of a vault with its slots, in bytes.
        item_bytes_max: usize = engine().item_bytes_max;
        /// Items of one vault.
        vault_items_max: u64 = engine().vault_items_max;
        /// Bytes of the items of one vault.
        vault_bytes_max: u64 = engine().vault_bytes_max;
        /// What a datastore, a secret or a share holds, in bytes of its ciphertext.
        sealed_bytes_max: usize = engine().sealed_bytes_max;
        /// Datastores of one account.
        account_datastores_max: usize = engine().account_datastores_max;
        /// Secrets that one account has created, wherever they hang.
        account_secrets_max: u64 = engine().account_secrets_max;
        /// Shares that one account has created.
        account_shares_max: u64 = engine().account_shares_max;
        /// Earlier states of a secret that its history keeps.
        secret_versions_max: usize = engine().secret_versions_max;
        /// Accounts that have a right on one share, offers included.
        share_members_max: usize = engine().share_members_max;
        /// Seconds for which a secret or a share that nobody can reach any more is kept.
        unlinked_retention_s: u64 = engine().unlinked_retention.as_secs();
        /// Escrows of one account. At most 1,024.
        account_escrows_max: usize = engine().account_escrows_max;
        /// Holders of one escrow. At most 255.
        escrow_holders_max: usize = engine().escrow_holders_max;
        /// The sealed payload of an escrow, in bytes.
        escrow_payload_bytes_max: usize = engine().escrow_payload_bytes_max;
        /// The longest delay before a release, and the longest time between two requests of one requester, in seconds.
        recovery_delay_max_s: u64 = engine().recovery_delay_max.as_secs();
        /// The longest time in which a request gathers approvals, and in which what it releases waits, in seconds.
        recovery_window_max_s: u64 = engine().recovery_window_max.as_secs();
        /// The most requests for one escrow that a policy may let be under way. At most 255.
        recovery_requests_max: usize = engine().recovery_requests_max;
        /// Requests for one escrow that are kept, those that are over included. At most 1,024.
        recovery_requests_kept_max: usize = engine().recovery_requests_kept_max;
        /// Seconds for which a request is kept after it is over.
        recovery_request_retention_s: u64 = engine().recovery_request_retention.as_secs();
        /// Rows in one page of a listing.
        page_rows_max: usize = engine().page_rows_max;
        /// Events that a feed keeps.
        feed_events_max: u64 = engine().feed_events_max;
        /// Seconds for which a feed keeps an event.
        feed_retention_s: u64 = engine().feed_retention.as_secs();
        /// Bearer sessions of one account.
        sessions_max: u64 = engine().sessions_max;
        /// The longest life of a session that somebody signs in for, in seconds.
        session_life_max_s: u64 = engine().session_life_max.as_secs();
        /// Seconds for which a session may lie unused before it ends, if that ends one. Uses are written down once a
        /// minute, so it is more than that.
        session_idle_max_s: Option<u64> = None, as "1209600";
        /// Seconds for which a sealed session token may lie unused.
        session_proof_within_s: u64 = engine().session_proof_within.as_secs();
        /// API keys of one account. At most 128.
        api_keys_max: usize = engine().api_keys_max;
        /// Sessions of one API key; the oldest ends where there are more. At most 64.
        api_key_sessions_max: usize = engine().api_key_sessions_max;
        /// Secrets that are attached to one API key. At most 10,000.
        api_key_secrets_max: usize = engine().api_key_secrets_max;
        /// Seconds for which a session is good that an API key signs in for, at most.
        api_session_life_max_s: u64 = engine().api_session_life_max.as_secs();
        /// Seconds for which a username is kept for whoever asked for it.
        username_reserved_for_s: u64 = engine().username_reserved_for.as_secs();
        /// Failed sign-ins of one account from one network before the next has to wait.
        guesses_free: u32 = engine().guesses_free;
        /// The same from all networks together that nobody has signed in from before.
        guesses_elsewhere_free: u32 = engine().guesses_elsewhere_free;
        /// The longest wait between two attempts to sign in, in seconds.
        guess_wait_max_s: u64 = engine().guess_wait_max.as_secs();
        /// Verified tokens that one thread remembers.
        verified_tokens_max: usize = engine().verified_tokens_max;
        /// Seconds that a token's time of issue may lie in the future.
        token_clock_tolerance_s: u64 = engine().token_clock_tolerance.as_secs();
        /// Seconds that a token may live at most; not limited unless set.
        token_life_max_s: Option<u64> = None, as "86400";
        /// Chains in all. At most 4,096.
        chains_max: u64 = engine().chains_max;
        /// Keys of one chain, its root key included. At most 4,096.
        service_keys_max: u64 = engine().service_keys_max;
        /// Characters of a service key's nickname.
        nickname_chars_max: usize = engine().nickname_chars_max;
        /// Bytes of a service key's permissions document. At most 65,536.
        permissions_bytes_max: usize = engine().permissions_bytes_max;
        /// The longest time for which a rotated service key also signs with its former secret, in seconds.
        service_key_overlap_max_s: u64 = engine().service_key_overlap_max.as_secs();
        /// Seconds that the time of a request signed with DC1-HMAC may lie from the server's, either way. 30 to 600.
        signature_window_s: u64 = engine().signature_window.as_secs();
        /// The same of a request signed by RFC 9421. 30 to 300.
        message_signature_window_s: u64 = engine().message_signature_window.as_secs();
        /// Signatures that the server remembers, at about 40 bytes each; beyond that signed requests have to wait.
        signatures_max: usize = engine().signatures_max;
        /// Whether signatures are remembered in the store: true where several servers share one.
        signatures_shared: bool = engine().signatures_shared;
        /// Events that the log of an application of PIN recovery keeps; the oldest go for new ones.
        recovery_log_events_max: u64 = engine().recovery_log_events_max;
        /// Milliseconds between two steps of the sweeper, which removes what has expired.
        sweep_interval_ms: u64 = millis(engine().sweep_interval);
        /// Rows that one step of the sweeper looks at.
        sweep_rows_max: usize = engine().sweep_rows_max;
        /// Seconds after which a follower that was not woken looks by itself.
        poll_interval_s: u64 = engine().poll_interval.as_secs();
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
