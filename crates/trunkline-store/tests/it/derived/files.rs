//! Checkpoints in files, beyond what every place of checkpoints promises.

use trunkline_core::EventId;
use trunkline_store::derived::{Checkpoint, Checkpoints, FileCheckpoints};

use super::broken_checkpoints::checkpoint;

#[tokio::test]
async fn a_checkpoint_in_a_file_is_the_old_one_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = FileCheckpoints::new(folder.path().join("relay"));
    assert_eq!(checkpoints.load("out").await.unwrap(), None);
    checkpoints.save("out", &checkpoint(1)).await.unwrap();
    checkpoints.save("out", &checkpoint(2)).await.unwrap();
    std::fs::write(folder.path().join("relay/out.checkpoint.new"), "cut of").unwrap();
    assert_eq!(checkpoints.load("out").await.unwrap(), Some(checkpoint(2)));
    std::fs::write(folder.path().join("relay/out.checkpoint.json"), "damaged").unwrap();
    let damaged = checkpoints.load("out").await.unwrap_err();
    assert!(!damaged.passes());
    let error = damaged.to_string();
    let file = folder.path().join("relay/out.checkpoint.json");
    assert!(
        error.starts_with(&format!("the checkpoint of `out` in {} is damaged: ", file.display())),
        "and never a new beginning: {error}"
    );
    assert!(checkpoints.all().await.is_err(), "nor is it left out of what there is");
    checkpoints.save("../a b", &checkpoint(3)).await.unwrap();
    assert_eq!(checkpoints.load("../a b").await.unwrap(), Some(checkpoint(3)));
    assert!(
        folder.path().join("relay/..%2fa%20b.checkpoint.json").exists(),
        "whatever its name, it is in the folder"
    );
}

/// What other versions wrote is read, and what they read is written.
#[tokio::test]
async fn a_checkpoint_is_a_line_of_json() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = FileCheckpoints::new(folder.path());
    let written = Checkpoint { event_id: EventId::from_bytes([9; 16]), ..checkpoint(7) };
    checkpoints.save("out", &written).await.unwrap();
    let text = std::fs::read_to_string(folder.path().join("out.checkpoint.json")).unwrap();
    let former = "{\"store\":\"07070707-0707-0707-0707-070707070707\",\"position\":7,\
                  \"event_id\":\"09090909-0909-0909-0909-090909090909\"";
    assert_eq!(text, format!("{former},\"name\":\"out\",\"checksum\":4055179725}}\n"));
    std::fs::write(folder.path().join("out.checkpoint.json"), format!("{former}}}\n")).unwrap();
    assert_eq!(checkpoints.load("out").await.unwrap(), Some(written));
}

#[test]
fn without_a_runtime_the_caller_waits() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = FileCheckpoints::new(folder.path());
    futures::executor::block_on(async {
        checkpoints.save("out", &checkpoint(1)).await.unwrap();
        assert_eq!(checkpoints.load("out").await.unwrap(), Some(checkpoint(1)));
        checkpoints.forget("out").await.unwrap();
        assert_eq!(checkpoints.all().await.unwrap().len(), 0);
    });
}
