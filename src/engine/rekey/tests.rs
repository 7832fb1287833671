use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;
use crate::engine::tests::{TestClock, open};

/// The key file of a data directory with this change, read.
fn changed(dir: &TempDir, change: impl Fn(&str) -> String) -> Keys {
    let text = std::fs::read_to_string(dir.path().join("keys.toml")).unwrap();
    let path = dir.path().join("other.toml");
    std::fs::write(&path, change(&text)).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    Keys::load(&path).unwrap()
}

#[tokio::test]
async fn the_keys_of_another_data_directory_are_not_taken() {
    let (dir, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let engine = open(dir.path(), &TestClock::at(20_000)).await.unwrap();
    let foreign = Keys::create(&other.path().join("keys.toml")).unwrap();
    assert_eq!(engine.take_keys(&foreign), Err(KeysRefused::Fingerprint));
    engine.stop().await;
}

#[tokio::test]
async fn a_key_file_that_lost_a_key_is_not_taken() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(20_000)).await.unwrap();
    let lost = changed(&dir, |text| text.replace("id = 1", "id = 2"));
    assert_eq!(engine.take_keys(&lost), Err(KeysRefused::Missing(1)));
    let same = changed(&dir, str::to_owned);
    assert_eq!(engine.take_keys(&same), Ok(()));
    engine.stop().await;
}
