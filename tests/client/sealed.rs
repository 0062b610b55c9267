//! A client that seals what it says to a server's key.

use strongroom_client::{Client, ClientError, ClientOptions};

use crate::support::{credentials, deployed, options};

/// A-API-09: who is given another key than the server's says nothing to it, and is told why.
#[test]
fn a_sealed_client_speaks_to_the_server_of_its_key_and_to_no_other() {
    deployed(async |deployment| {
        let url = format!("http://{}", deployment.address());
        let sealed_to = |key| ClientOptions { sealed_to: Some(key), tries_max: 1, ..options() };
        let key = deployment.engine().handle().channel_key();
        let client = Client::ws(&url, credentials("ann"), sealed_to(key)).unwrap();
        assert_eq!(client.whoami().await.unwrap().subject.as_str(), "ann");

        let mut another = key;
        another[0] ^= 1;
        let client = Client::ws(&url, credentials("ann"), sealed_to(another)).unwrap();
        let error = client.whoami().await.unwrap_err();
        assert!(error.to_string().contains("not made for this server"), "{error}");

        let refused = Client::http(&url, credentials("ann"), sealed_to(key));
        assert!(matches!(refused, Err(ClientError::Invalid(_))), "HTTP has no channel");
    });
}
