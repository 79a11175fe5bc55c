//! The space of finished messages is given back also where one that is damaged waits among them.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use trunkline_log::disk::{Disk, DiskFile, DiskLock, MemoryDisk, OpenMode};
use trunkline_queue::{
    EmbeddedOptions, EmbeddedQueue, GroupName, GroupOptions, MessageQueue, NewMessage, OpenError,
    OperateQueue, Peek, Receive, TopicName,
};

/// The least size of a segment.
const SEGMENT_BYTES: usize = 4 << 10;

/// A disk that counts how often each file is read that is made on it, as far as it is read whole.
#[derive(Clone, Debug, Default)]
struct Watched {
    disk: MemoryDisk,
    reads: Arc<Mutex<Vec<Arc<AtomicU64>>>>,
}

#[derive(Debug)]
struct WatchedFile {
    file: Arc<dyn DiskFile>,
    reads: Arc<AtomicU64>,
}

impl Watched {
    fn watch(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        let reads = Arc::<AtomicU64>::default();
        self.reads.lock().unwrap().push(Arc::clone(&reads));
        Arc::new(WatchedFile { file, reads })
    }

    /// How often the one was read that was read most.
    fn most_reads(&self) -> u64 {
        let reads = self.reads.lock().unwrap();
        reads.iter().map(|reads| reads.load(Ordering::SeqCst)).max().unwrap_or_default()
    }
}

impl DiskFile for WatchedFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn data_end(&self) -> io::Result<u64> {
        self.file.data_end()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if offset == 0 && buffer.len() >= SEGMENT_BYTES {
            self.reads.fetch_add(1, Ordering::SeqCst);
        }
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn mapped(&self) -> io::Result<Option<&Bytes>> {
        self.file.mapped()
    }

    fn view(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.file.view(offset, len)
    }
}

impl Disk for Watched {
    fn name(&self) -> String {
        self.disk.name()
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.disk.create_dir(path)
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.disk.list(path)
    }

    fn open(&self, path: &str, access: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.watch(self.disk.open(path, access)?))
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.watch(self.disk.create(path)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.disk.sync_dir(path)
    }

    fn lock(&self, path: &str, owner: &str) -> io::Result<Result<Box<dyn DiskLock>, String>> {
        self.disk.lock(path, owner)
    }

    fn lock_folder(&self) -> io::Result<Option<Box<dyn DiskLock>>> {
        self.disk.lock_folder()
    }

    fn boot_id(&self) -> Option<[u8; 16]> {
        self.disk.boot_id()
    }
}

fn open(disk: &Watched) -> Result<EmbeddedQueue, OpenError> {
    let options = EmbeddedOptions { segment_bytes: 1, ..EmbeddedOptions::default() };
    EmbeddedQueue::open_on(Arc::new(disk.clone()), options)
}

fn names() -> (TopicName, GroupName) {
    ("orders".parse().unwrap(), "mail".parse().unwrap())
}

/// Three messages of one frame; where they are to stay, they are due in an hour.
fn batch(number: u32, stays: bool) -> Vec<NewMessage> {
    let one = |part| {
        let new = NewMessage::new("Ping", vec![7; 200]).id(format!("{number}-{part}").parse().unwrap());
        if stays { new.after(Duration::from_secs(3_600)) } else { new }
    };
    (0..3).map(one).collect()
}

/// Flips a bit in the message of this id.
fn damage(disk: &MemoryDisk, id: &str) {
    let wanted: Vec<u8> = [&[id.len() as u8], id.as_bytes()].concat();
    let found = disk.list("").unwrap().into_iter().find_map(|name| {
        let bytes = disk.bytes(&name);
        Some((name, bytes.windows(wanted.len()).position(|window| window == wanted)?))
    });
    let (name, at) = found.unwrap();
    disk.flip_bit(&name, at as u64 + 1, 0);
}

#[tokio::test]
async fn a_damaged_message_keeps_no_space_but_its_own_segments() {
    let disk = Watched::default();
    let queue = open(&disk).unwrap();
    let (topic, group) = names();
    queue.subscribe(topic.clone(), group.clone(), GroupOptions::default()).await.unwrap();
    let mut most = 0;
    for number in 0..600 {
        queue.publish(topic.clone(), batch(number, number % 20 == 0)).await.unwrap();
        if number == 0 {
            damage(&disk.disk, "0-1");
        }
        let receive = Receive::new(topic.clone(), group.clone()).max(10).now();
        for delivery in queue.receive(receive).await.unwrap() {
            queue.ack(&delivery.lease).await.unwrap();
        }
        most = most.max(queue.stats().await.unwrap().stored_bytes);
    }
    queue.close().await;
    drop(queue);
    // 600 × 3 messages of some 260 bytes were written, of which 90 stay.
    assert!(most < 100_000, "{most} bytes");
    assert_eq!(disk.most_reads(), 1, "a segment is read to be emptied, once");
    // What stood beside the damaged one in its frame is elsewhere, and so is what came after it.
    let queue = open(&disk).unwrap();
    assert_eq!(queue.stats().await.unwrap().topics[0].groups[0].delayed, 90);
    let peeked = queue.peek(Peek { max: 100, ..Peek::new(topic) }).await.unwrap();
    let damaged: Vec<_> = peeked.iter().filter(|peeked| peeked.damaged.is_some()).collect();
    let [damaged] = damaged[..] else { panic!("{damaged:?}") };
    assert!(damaged.message.id.as_str().starts_with("damaged-1-"), "it is where it was: {damaged:?}");
    queue.close().await;
    disk.disk.remove("0000000001.seg").unwrap();
    let error = open(&disk).unwrap_err();
    assert!(matches!(error, OpenError::Missing { messages: Some(1), .. }), "{error}");
}
