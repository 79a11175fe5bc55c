//! All backends of a program: which place is meant, and how it is opened.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use trunkline_queue::OpenError as QueueOpenError;
use trunkline_sql::{DatabaseError, Dialect, ReadDatabase};
use trunkline_store::OpenError;
use trunkline_store::derived::DerivedHome;

use super::schemes::{self, REDIS_VARIABLE};
use super::{
    Access, Backend, Dsn, DsnError, OpenQueue, OpenQueueError, OpenQueueOptions, OpenStore, OpenStoreError,
    OpenStoreOptions, Origin, Place, Role, standard,
};

/// The variable that names the folder of everything Trunkline keeps.
const DATA_VARIABLE: &str = "TRUNKLINE_DATA";

/// That folder when the environment names none.
const DATA_DEFAULT: &str = "./data";

/// How long is waited for who has a store open: a command that appends something is done within that.
const IN_USE_MAX: Duration = Duration::from_secs(2);

/// How long is waited for who only looks who has a queue.
const LOOKED_AT_MAX: Duration = Duration::from_millis(100);

/// How often one looks whether a store is still in use.
const LOOKED: Duration = Duration::from_millis(10);

/// All backends of a program.
///
/// A place is found, and a DSN is checked, without opening anything: no lock is needed for it and no server.
#[derive(Clone, Debug)]
pub struct Backends(Vec<Backend>);

impl Default for Backends {
    fn default() -> Self {
        Self::standard()
    }
}

impl Backends {
    /// Those that the program was built with: memory, and by their features the embedded log, the embedded queue
    /// and `SQLite`.
    pub fn standard() -> Self {
        Self(standard::all())
    }

    /// These alone.
    #[cfg(test)]
    pub(super) fn of(all: Vec<Backend>) -> Self {
        Self(all)
    }

    /// And this one, which goes before those that have its schemes already.
    #[must_use]
    pub fn with(mut self, backend: Backend) -> Self {
        self.0.insert(0, backend);
        self
    }

    /// Reads the DSN of a place.
    pub fn read(&self, role: Role, text: &str) -> Result<Dsn, DsnError> {
        let Some(dsn) = Dsn::parse(text) else {
            return Err(DsnError::NoScheme { role, text: text.to_owned() });
        };
        let backend = self.backend(role, &dsn)?;
        (backend.check)(role, &dsn).map_err(|problem| DsnError::Unusable { role, problem })?;
        Ok(dsn)
    }

    /// The place that the flag names, else the application file, else the environment, else the one in the data folder.
    pub fn find(
        &self,
        role: Role,
        flag: Option<&str>,
        file: Option<&str>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Place, DsnError> {
        if let Some(place) = self.named(role, flag, file, &variable)? {
            return Ok(place);
        }
        let (scheme, name) = role.usual();
        let data = variable(DATA_VARIABLE).filter(|folder| !folder.is_empty());
        let (folder, origin) = match data {
            Some(folder) => (PathBuf::from(folder), Origin::Variable(DATA_VARIABLE)),
            None => (PathBuf::from(DATA_DEFAULT), Origin::Default),
        };
        // Not checked: that its backend was left out is an error when it is opened, and not every program opens it.
        Ok(Place { role, dsn: Dsn::new(scheme, folder.join(name)), origin })
    }

    /// The place of what belongs to the events at a place, when there is one: as others are found, but in memory when
    /// the events are there and nothing names another.
    ///
    /// Rows of events that are gone could never be brought up to date again, and messages of sagas that are gone have
    /// nobody who waits for their answers.
    pub fn find_beside(
        &self,
        role: Role,
        events: Option<&Dsn>,
        flag: Option<&str>,
        file: Option<&str>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Place, DsnError> {
        if events.is_some_and(Dsn::is_memory) {
            let named = self.named(role, flag, file, &variable)?;
            return Ok(named.unwrap_or(Place { role, dsn: Dsn::memory(), origin: Origin::Events }));
        }
        self.find(role, flag, file, variable)
    }

    /// The place that the flag, the file or the environment names, if one does.
    fn named(
        &self,
        role: Role,
        flag: Option<&str>,
        file: Option<&str>,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Place>, DsnError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let found = |text: &str, origin| Ok(Some(Place { role, dsn: self.read(role, text)?, origin }));
        if let Some(text) = flag {
            return found(text, Origin::Flag(role.flag()));
        }
        if let Some(text) = file {
            return found(text, Origin::File);
        }
        if let Some(text) = variable(role.variable()) {
            return found(&text.to_string_lossy(), Origin::Variable(role.variable()));
        }
        // Messages are originals: they are not put elsewhere than where the environment says.
        if role == Role::Messages && variable(REDIS_VARIABLE).is_some() {
            return Err(DsnError::RedisHost);
        }
        Ok(None)
    }

    /// One DSN for all that mean the same place, as far as that is known without opening anything.
    pub fn canonical(&self, role: Role, dsn: &Dsn) -> Dsn {
        self.backend(role, dsn).map_or_else(|_| dsn.clone(), |backend| (backend.canonical)(dsn))
    }

    /// Where is kept what is derived from the events at a place, for who has them open like this; nothing is opened
    /// for it.
    pub fn home(&self, events: &Dsn, access: Access) -> DerivedHome {
        let backend = self.backend(Role::Events, events);
        backend.map_or_else(|_| DerivedHome::memory(), |backend| (backend.home)(events, access))
    }

    /// Opens an event store; one that another process appends to is waited for a moment.
    pub async fn open_events(
        &self,
        place: &Place,
        options: OpenStoreOptions,
    ) -> Result<OpenStore, OpenStoreError> {
        let backend = self.backend(Role::Events, &place.dsn);
        let backend = backend.map_err(|error| OpenStoreError::Dsn { error })?;
        let open = backend.events.as_ref().expect("it was asked for one that offers this");
        let end = Instant::now() + IN_USE_MAX;
        loop {
            match open(place.dsn.clone(), options.clone()).await {
                Err(OpenError::InUse { .. }) if Instant::now() < end => tokio::time::sleep(LOOKED).await,
                Err(source) => return Err(OpenStoreError::Open { place: Box::new(place.clone()), source }),
                Ok(opened) => return Ok(opened),
            }
        }
    }

    /// Opens a message queue; who only looks who has it is done within a moment, and is waited for.
    pub async fn open_messages(
        &self,
        place: &Place,
        options: OpenQueueOptions,
    ) -> Result<OpenQueue, OpenQueueError> {
        let backend = self.backend(Role::Messages, &place.dsn);
        let backend = backend.map_err(|error| OpenQueueError::Dsn { error })?;
        let open = backend.messages.as_ref().expect("it was asked for one that offers this");
        let end = Instant::now() + LOOKED_AT_MAX;
        loop {
            match open(place.dsn.clone(), options.clone()).await {
                Err(QueueOpenError::InUse { .. }) if Instant::now() < end => tokio::time::sleep(LOOKED).await,
                Err(source) => return Err(OpenQueueError::Open { place: Box::new(place.clone()), source }),
                Ok(opened) => return Ok(opened),
            }
        }
    }

    /// The SQL that the read database at a place takes; none without a backend for it.
    pub fn dialect(&self, read_models: &Dsn) -> Option<&'static dyn Dialect> {
        let backend = self.backend(Role::ReadModels, read_models).ok()?;
        backend.read_models.as_ref().map(|(dialect, _)| *dialect)
    }

    /// Opens a read database; for who only looks so that nothing of it is made or changed, where its backend can.
    pub async fn open_read_models(
        &self,
        dsn: &Dsn,
        access: Access,
    ) -> Result<Arc<dyn ReadDatabase>, DatabaseError> {
        let backend = self.backend(Role::ReadModels, dsn).map_err(|error| DatabaseError::Lasting {
            doing: "open the read database".to_owned(),
            reason: format!("{error}; {}", error.hint()),
        })?;
        let (_, open) = backend.read_models.as_ref().expect("it was asked for one that offers this");
        let looks = backend.looked_at.as_ref().filter(|_| access == Access::Read);
        looks.unwrap_or(open)(dsn.clone(), ()).await
    }

    fn backend(&self, role: Role, dsn: &Dsn) -> Result<&Backend, DsnError> {
        let has_it = |backend: &&Backend| backend.schemes.iter().any(|scheme| scheme == dsn.scheme());
        let offers = |backend: &&Backend| backend.offers(role);
        self.0.iter().filter(has_it).find(offers).ok_or_else(|| {
            let others = [Role::Events, Role::Messages, Role::ReadModels];
            let other =
                others.into_iter().find(|other| self.0.iter().filter(has_it).any(|one| one.offers(*other)));
            schemes::refused(role, dsn.scheme(), other)
        })
    }
}
