//! Files of another version of the format are named as such, with what to do, and left alone.

use std::fs;

use trunkline_queue::{EmbeddedOptions, EmbeddedQueue, OpenError};

#[tokio::test]
async fn files_of_another_version_are_refused_with_the_remedy() {
    for name in ["0000000001.state", "0000000001.seg"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue");
        EmbeddedQueue::open(&path, EmbeddedOptions::default()).unwrap().close().await;
        let file = path.join(name);
        let (mark, wanted) =
            if name.ends_with("state") { (b"TRKLQST1", "TRKLQST3") } else { (b"TRKLQSG9", "TRKLQSG2") };
        let mut bytes = fs::read(&file).unwrap_or_default();
        bytes.resize(bytes.len().max(64), 0);
        bytes[..8].copy_from_slice(mark);
        fs::write(&file, &bytes).unwrap();
        let error = EmbeddedQueue::open(&path, EmbeddedOptions::default()).unwrap_err();
        assert!(matches!(error, OpenError::OtherVersion { .. }), "{error}");
        let mark = String::from_utf8_lossy(mark).into_owned();
        let text = error.to_string();
        for words in [name, &mark, wanted, "begin a queue in a new folder"] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
}
