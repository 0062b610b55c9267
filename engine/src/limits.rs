//! Every limit of the engine, with its unit in its name. Transports have limits of their own (bodies, headers,
//! sockets); what stands here holds however a command arrives.

use std::time::Duration;

/// The engine's limits. `Default` gives the values that the documentation states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Commands in flight per domain before callers are told to come back later.
    pub in_flight_max: usize,
    /// Heavy decisions in all, being computed and waiting for a processor, before callers are told to come back later.
    pub heavy_max: usize,
    /// Queued commands of one lane that are decided together and committed as one batch.
    pub lane_batch_max: usize,
    /// How often a command is decided again after losing a race before its caller is told `Contended`.
    pub conflict_retries_max: usize,
    /// How long a command may take when its caller names no deadline.
    pub deadline_default: Duration,
    /// How long the answer under an idempotency key is kept.
    pub idempotency_ttl: Duration,

    /// `meta` of the single record `keyknox-v1`, decoded bytes. Source: seed 004, "10 kb".
    pub single_meta_bytes_max: usize,
    /// `meta` of every other record, decoded bytes: room for a group ticket with 100 members.
    pub meta_bytes_max: usize,
    /// `value` of a record, decoded bytes. Source: seed 004, "100 kb".
    pub value_bytes_max: usize,
    /// Recipients of one record, and recipients in one command.
    pub recipients_max: usize,
    /// Versions of a record that history keeps, the head included.
    pub history_versions_max: u64,
    /// How long history keeps a version after it stopped being the head.
    pub history_retention: Duration,
    /// Live records of one account.
    pub account_records_max: u64,
    /// Bytes of `meta` and `value` in the live records of one account.
    pub account_bytes_max: u64,
    /// Wrapped keys of one account, DEKs and private keys together. Source: THREATS.md, section 3.
    pub account_keys_max: u64,
    /// A wrapped KEK or DEK, in bytes of its text. Source: dialects/meeco.md, section 9.
    pub wrapped_key_bytes_max: usize,
    /// A wrapped private key, in bytes of its text. Source: dialects/meeco.md, section 9.
    pub wrapped_private_key_bytes_max: usize,
    /// Metadata of a key pair, in bytes of its JSON. Source: dialects/meeco.md, section 9.
    pub key_pair_metadata_bytes_max: usize,
    /// How long an admission token is good. Source: dialects/meeco.md, section 5.
    pub admission_token_life: Duration,
    /// Services that one account asks admission to.
    pub account_audiences_max: usize,
    /// Labels and other short texts of a vault, in bytes. Source: dialects/meeco.md, section 9.
    pub vault_text_bytes_max: usize,
    /// Slots of one item, and slots in one command.
    pub item_slots_max: usize,
    /// An item with its slots, in bytes.
    pub item_bytes_max: usize,
    /// Items of one vault.
    pub vault_items_max: u64,
    /// Bytes of the items of one vault.
    pub vault_bytes_max: u64,
    /// What a datastore, a secret or a share holds, in bytes of its ciphertext.
    pub sealed_bytes_max: usize,
    /// Datastores of one account.
    pub account_datastores_max: usize,
    /// Secrets that one account has created, wherever they hang.
    pub account_secrets_max: u64,
    /// Shares that one account has created.
    pub account_shares_max: u64,
    /// Earlier states of a secret that its history keeps; the oldest goes for a new one.
    pub secret_versions_max: usize,
    /// Accounts that have a right on one share, offers included.
    pub share_members_max: usize,
    /// How long a secret or a share that nobody can reach any more is kept.
    pub unlinked_retention: Duration,
    /// Rows in one page of a listing.
    pub page_rows_max: usize,

    /// Events that a topic keeps; a follower that is further behind is told of the gap.
    pub feed_events_max: u64,
    /// How long a topic keeps an event.
    pub feed_retention: Duration,
    /// Bearer sessions of one account.
    pub sessions_max: u64,
    /// API keys of one account.
    pub api_keys_max: usize,
    /// Sessions of one API key; the oldest ends where there are more.
    pub api_key_sessions_max: usize,
    /// The longest life of a session that an API key signs in for. Source: dialects/psono.md, section 4.
    pub api_session_life_max: Duration,
    /// Secrets that are attached to one API key.
    pub api_key_secrets_max: usize,
    /// The longest life of a session that somebody signs in for. Source: dialects/meeco.md, section 9.
    pub session_life_max: Duration,
    /// How long a session may lie unused before it ends, if that ends one. Uses are written down once a minute, so it
    /// is more than that.
    pub session_idle_max: Option<Duration>,
    /// How long a sealed session token may lie unused. Source: dialects/meeco.md, section 6.
    pub session_proof_within: Duration,
    /// How long a username is kept for whoever asked for it. Source: dialects/meeco.md, section 5.
    pub username_reserved_for: Duration,
    /// Failed sign-ins of one account from one network before the next has to wait.
    pub guesses_free: u32,
    /// The same from all networks that nobody has signed in from before, together.
    pub guesses_elsewhere_free: u32,
    /// The longest wait between two attempts to sign in.
    pub guess_wait_max: Duration,
    /// Verified tokens that one shard remembers.
    pub verified_tokens_max: usize,
    /// How far in the future a token's issue time may lie.
    pub token_clock_tolerance: Duration,
    /// The longest life of a token that is accepted, if limited at all.
    pub token_life_max: Option<Duration>,

    /// Chains in all.
    pub chains_max: u64,
    /// Keys of one chain, its root key included.
    pub service_keys_max: u64,
    /// A nickname of a service key, in Unicode scalar values. Source: dialects/dragonchain.md, section 1.
    pub nickname_chars_max: usize,
    /// A permissions document, in bytes of its JSON.
    pub permissions_bytes_max: usize,
    /// The longest time for which a rotated service key also signs with its former secret.
    pub service_key_overlap_max: Duration,
    /// How far the time of a request that is signed with DC1-HMAC may lie from this node's, either way. Source: dialects/dragonchain.md,
    /// section 3, step 6.
    pub signature_window: Duration,
    /// The same of a request that is signed by RFC 9421. Source: SIGNING.md.
    pub message_signature_window: Duration,
    /// Signatures that this engine remembers; beyond that, signed requests have to wait until some are old. Only where
    /// it remembers them by itself.
    pub signatures_max: usize,
    /// Whether every signature is remembered in the store, as it has to be where several engines share one; an engine
    /// that has a store to itself remembers them in its memory. An engine must not begin to share a store less than
    /// twice the window after it has stopped doing without.
    pub signatures_shared: bool,

    // Escrow.
    /// How long a share of a root key is kept. Source: dialects/misakey.md, section 5.
    pub escrow_share_life: Duration,
    /// Live shares of one account and kind; the oldest goes for a new one. Source: dialects/misakey.md, section 9.
    pub escrow_shares_max: usize,
    /// How often a share is handed out before it is gone; 0 for any number. Source: dialects/misakey.md, section 9.
    pub escrow_share_reads_max: u32,
    /// So many hashes within ten minutes that no share is filed under, and the owner is told; 0 for never, at most 1,000.
    /// Source: dialects/misakey.md, section 9.
    pub escrow_misses_told: usize,
    /// Wrapped secrets of one account.
    pub escrow_secrets_max: usize,
    /// One wrapped secret, in bytes of its text.
    pub escrow_secret_bytes_max: usize,

    /// Events that the log of a tenant of PIN recovery keeps; the oldest go for new ones.
    pub recovery_log_events_max: u64,

    // Recovery
    /// Escrows of one account.
    pub account_escrows_max: usize,
    /// Holders of one escrow, at most 255.
    pub escrow_holders_max: usize,
    /// The sealed payload of an escrow, in bytes.
    pub escrow_payload_bytes_max: usize,
    /// The longest delay before a release, and the longest time between two requests of one requester.
    pub recovery_delay_max: Duration,
    /// The longest time in which a request gathers approvals, and in which what it releases waits.
    pub recovery_window_max: Duration,
    /// The most requests for one escrow that a policy may let be under way.
    pub recovery_requests_max: usize,
    /// Requests for one escrow that are kept, those that are over included.
    pub recovery_requests_kept_max: usize,
    /// How long a request is kept after it is over.
    pub recovery_request_retention: Duration,

    /// Time between two steps of the sweeper.
    pub sweep_interval: Duration,
    /// Rows that one step of the sweeper looks at.
    pub sweep_rows_max: usize,
    /// How long a follower that was not woken waits before it looks by itself.
    pub poll_interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            in_flight_max: 4_096,
            heavy_max: 256,
            lane_batch_max: 64,
            conflict_retries_max: 4,
            deadline_default: Duration::from_secs(10),
            idempotency_ttl: DAY,
            single_meta_bytes_max: 10_240,
            meta_bytes_max: 65_536,
            value_bytes_max: 102_400,
            recipients_max: 1_000,
            history_versions_max: 32,
            history_retention: DAY * 90,
            account_records_max: 10_000,
            account_bytes_max: 1024 * 1024 * 1024,
            account_keys_max: 10_000,
            wrapped_key_bytes_max: 4_096,
            wrapped_private_key_bytes_max: 32_768,
            key_pair_metadata_bytes_max: 16_384,
            admission_token_life: DAY,
            account_audiences_max: 16,
            vault_text_bytes_max: 1_024,
            item_slots_max: 256,
            item_bytes_max: 1024 * 1024,
            vault_items_max: 10_000,
            vault_bytes_max: 1024 * 1024 * 1024,
            sealed_bytes_max: 2 * 1024 * 1024 - 64 * 1024,
            account_datastores_max: 64,
            account_secrets_max: 10_000,
            account_shares_max: 10_000,
            secret_versions_max: 256,
            share_members_max: 1_000,
            unlinked_retention: DAY,
            page_rows_max: 256,
            feed_events_max: 10_000,
            feed_retention: DAY * 30,
            sessions_max: 64,
            api_keys_max: 100,
            api_key_sessions_max: 64,
            api_session_life_max: Duration::from_secs(600),
            api_key_secrets_max: 1_000,
            session_life_max: DAY * 30,
            session_idle_max: None,
            session_proof_within: Duration::from_secs(600),
            username_reserved_for: Duration::from_secs(3_600),
            guesses_free: 10,
            guesses_elsewhere_free: 100,
            guess_wait_max: Duration::from_secs(900),
            verified_tokens_max: 16_384,
            token_clock_tolerance: Duration::from_secs(300),
            token_life_max: None,
            chains_max: 1_000,
            service_keys_max: 1_000,
            nickname_chars_max: 256,
            permissions_bytes_max: 4_096,
            service_key_overlap_max: DAY * 7,
            signature_window: Duration::from_secs(600),
            message_signature_window: Duration::from_secs(60),
            signatures_max: 1_000_000,
            signatures_shared: false,
            escrow_share_life: DAY,
            escrow_shares_max: 64,
            escrow_share_reads_max: 0,
            escrow_misses_told: 20,
            escrow_secrets_max: 1_000,
            escrow_secret_bytes_max: 16_384,
            recovery_log_events_max: 10_000,
            account_escrows_max: 64,
            escrow_holders_max: 32,
            escrow_payload_bytes_max: 65_536,
            recovery_delay_max: DAY * 365,
            recovery_window_max: DAY * 30,
            recovery_requests_max: 8,
            recovery_requests_kept_max: 64,
            recovery_request_retention: DAY,
            sweep_interval: Duration::from_secs(1),
            sweep_rows_max: 256,
            poll_interval: Duration::from_secs(15),
        }
    }
}
