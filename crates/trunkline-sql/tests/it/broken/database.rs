//! A database of `SQLite` in a wrapper that has a fault.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use trunkline_core::{EventId, Position, StoreId};
use trunkline_sql::conformance::Fixture;
use trunkline_sql::{
    AnswerLimits, AskError, BatchEnd, Claim, Claimed, DatabaseError, Dialect, Generation, Model,
    ModelProblem, Parameters, Parked, QueryAnswer, ReadDatabase, Returns, Shadow, SqlProblem, SqlQuery,
    SqlValue, SqliteDialect, SqliteReadDatabase, Standing, Writer,
};

use super::fault::Fault;
use super::shadow::BrokenShadow;
use super::writer::BrokenWriter;

/// A database with a fault.
#[derive(Debug)]
pub(super) struct Broken {
    inner: Arc<SqliteReadDatabase>,
    shared: Arc<Shared>,
    fault: Fault,
}

/// What a fault needs to remember.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Readers see nothing.
    swapping: AtomicBool,
    /// The generation that is made at the moment.
    half: AtomicU64,
    late: Mutex<Option<Standing>>,
    pub(super) parked: Mutex<Vec<Parked>>,
    pub(super) held: Mutex<Vec<Box<dyn Writer>>>,
}

/// Numbers the places of databases that have another one each time.
static PLACES: AtomicU64 = AtomicU64::new(0);

/// What passes between the two steps of what should be one: long enough that others see it.
pub(super) async fn between_steps() {
    for _ in 0..3_000 {
        tokio::task::yield_now().await;
    }
}

/// A fixture with a fault: in memory, or in files where it wouldn't be seen there.
pub(super) async fn broken(fault: Fault) -> Fixture {
    let made = move |inner| Broken { inner: Arc::new(inner), shared: Arc::default(), fault };
    match fault {
        Fault::HoldsWhatItClosed | Fault::HasAnotherPlaceEachTime => {
            let folder = tempfile::tempdir().unwrap();
            let path: PathBuf = folder.path().join("read.db");
            let open = move || {
                let path = path.clone();
                async move { made(SqliteReadDatabase::open(&path).unwrap()) }
            };
            Fixture::durable(open).await.guarded_by(folder)
        }
        Fault::LosesAll => {
            Fixture::durable(move || async move { made(SqliteReadDatabase::memory().unwrap()) }).await
        }
        _ => Fixture::new(made(SqliteReadDatabase::memory().unwrap())),
    }
}

/// The SQL of such a database.
#[derive(Debug)]
struct BrokenDialect(Fault);

static FINDS_NO_MISTAKES: BrokenDialect = BrokenDialect(Fault::FindsNoMistakes);
static QUOTES_NOTHING: BrokenDialect = BrokenDialect(Fault::QuotesNothing);
static BINDS_TEXT: BrokenDialect = BrokenDialect(Fault::BindsTextForBooleans);

#[deny(clippy::missing_trait_methods)]
impl Dialect for BrokenDialect {
    fn placeholder(&self, number: usize, text: &mut String) {
        SqliteDialect.placeholder(number, text);
    }

    fn quoted(&self, name: &str) -> String {
        if self.0 == Fault::QuotesNothing { name.to_owned() } else { SqliteDialect.quoted(name) }
    }

    fn bound<'v>(&self, value: SqlValue<'v>) -> SqlValue<'v> {
        match value {
            SqlValue::Boolean(value) if self.0 == Fault::BindsTextForBooleans => {
                SqlValue::Text(value.to_string().into())
            }
            value => SqliteDialect.bound(value),
        }
    }

    fn check(&self, model: &Model) -> Vec<ModelProblem> {
        if self.0 == Fault::FindsNoMistakes { Vec::new() } else { SqliteDialect.check(model) }
    }

    fn check_query(&self, models: &[&Model], query: &SqlQuery) -> Vec<SqlProblem> {
        match self.0 {
            Fault::FindsNoMistakes => Vec::new(),
            _ => SqliteDialect.check_query(models, query),
        }
    }
}

impl Broken {
    async fn broken_create(&self, model: &Arc<Model>, store: StoreId) -> Result<u64, DatabaseError> {
        let listed = self.inner.generations().await?.len() as u64;
        let created = self.inner.create(model, store).await;
        match self.fault {
            Fault::KeepsWhatCannotBeMade if created.is_err() => {
                let bare = Arc::new(Model::new(model.name(), Vec::new(), Vec::new()).unwrap());
                self.inner.create(&bare, store).await?;
            }
            Fault::MakesFilledOnes => {
                let number = *created.as_ref().unwrap();
                let mut writer = self.inner.open(model, number).await?;
                let end = BatchEnd { position: Position::new(5), event_id: EventId::generate() };
                writer.apply(Arc::new(model.batch(Arc::default())), end).await.unwrap();
            }
            Fault::MakesEveryNewOneLive => {
                self.inner.make_live(model.name(), *created.as_ref().unwrap()).await?;
            }
            Fault::CreatesInTwoSteps => {
                self.shared.half.store(*created.as_ref().unwrap(), Ordering::SeqCst);
                between_steps().await;
                self.shared.half.store(0, Ordering::SeqCst);
            }
            Fault::TakesNamesThatDifferByCase if created.is_err() => return Ok(1),
            Fault::ReusesNumbers => return created.map(|_| listed + 1),
            _ => {}
        }
        created
    }

    async fn broken_ask(
        &self,
        query: &SqlQuery,
        parameters: &Parameters<'_>,
        limits: &AnswerLimits,
    ) -> Result<QueryAnswer, AskError> {
        if self.shared.swapping.load(Ordering::SeqCst) {
            let (doing, reason) = ("ask".to_owned(), "nothing is live".to_owned());
            return Err(DatabaseError::Lasting { doing, reason }.into());
        }
        let limits = match self.fault {
            Fault::AnswersWithOneRowMore => AnswerLimits { rows_max: limits.rows_max + 1, ..limits.clone() },
            Fault::IgnoresSkip => AnswerLimits { skip: 0, ..limits.clone() },
            Fault::AsksWhatIsLeftOut => AnswerLimits { projections: None, ..limits.clone() },
            Fault::IgnoresBytesMax => AnswerLimits { bytes_max: usize::MAX, ..limits.clone() },
            _ => limits.clone(),
        };
        let none = Parameters::default();
        let parameters = if self.fault == Fault::ForgetsParameters { &none } else { parameters };
        let empty =
            || QueryAnswer { returns: query.returns(), columns: Vec::new(), rows: Vec::new(), more: false };
        let before = match self.fault {
            Fault::AsksInTwoMoments => Some(self.inner.ask(query, parameters, &limits).await?),
            _ => None,
        };
        match (self.fault, self.inner.ask(query, parameters, &limits).await) {
            (Fault::SaysNotThatThereIsMore, Ok(answer)) => Ok(QueryAnswer { more: false, ..answer }),
            (Fault::AsksInTwoMoments, Ok(mut answer)) => {
                let before = before.unwrap();
                for (row, old) in answer.rows.iter_mut().zip(before.rows) {
                    row[0] = old[0].clone();
                }
                Ok(answer)
            }
            (Fault::AnswersManyForOne, Err(AskError::MoreThanOne)) => {
                Ok(QueryAnswer { returns: Returns::One, ..empty() })
            }
            (Fault::AnswersWhatChanges, Err(AskError::Text(_)))
            | (Fault::SaysNotThatItTookTooLong, Err(AskError::TookTooLong { .. })) => Ok(empty()),
            (_, came) => came,
        }
    }

    fn writer(&self, inner: Box<dyn Writer>) -> Box<dyn Writer> {
        let said = (self.fault == Fault::KeepsTheToken).then(|| {
            let mut said = inner.checkpoint().clone();
            said.token = 1;
            said
        });
        let (database, shared) = (Arc::clone(&self.inner), Arc::clone(&self.shared));
        Box::new(BrokenWriter { inner, database, shared, fault: self.fault, said })
    }
}

/// A claim that claims nothing.
#[derive(Debug)]
struct NoClaim;

impl Claim for NoClaim {}

#[deny(clippy::missing_trait_methods)]
impl ReadDatabase for Broken {
    fn place(&self) -> String {
        match self.fault {
            Fault::HasAnotherPlaceEachTime => PLACES.fetch_add(1, Ordering::SeqCst).to_string(),
            _ => self.inner.place(),
        }
    }

    fn dialect(&self) -> &'static dyn Dialect {
        match self.fault {
            Fault::FindsNoMistakes => &FINDS_NO_MISTAKES,
            Fault::QuotesNothing => &QUOTES_NOTHING,
            Fault::BindsTextForBooleans => &BINDS_TEXT,
            _ => self.inner.dialect(),
        }
    }

    fn generations(&self) -> BoxFuture<'_, Result<Vec<Generation>, DatabaseError>> {
        Box::pin(async move {
            let mut all = self.inner.generations().await?;
            if self.fault == Fault::ListsTheNewestFirst {
                all.reverse();
            }
            Ok(all)
        })
    }

    fn create<'a>(
        &'a self,
        model: &'a Arc<Model>,
        store: StoreId,
    ) -> BoxFuture<'a, Result<u64, DatabaseError>> {
        Box::pin(self.broken_create(model, store))
    }

    fn open<'a>(
        &'a self,
        model: &'a Arc<Model>,
        generation: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Writer>, DatabaseError>> {
        Box::pin(async move {
            if self.shared.half.load(Ordering::SeqCst) == generation {
                return Err(DatabaseError::NoGeneration { projection: model.name().to_owned(), generation });
            }
            let opened = self.inner.open(model, generation).await;
            let inner = match opened {
                Err(DatabaseError::NoGeneration { .. }) if self.fault == Fault::OpensWhatIsNotThere => {
                    let number = self.inner.create(model, StoreId::from_bytes([1; 16])).await?;
                    self.inner.open(model, number).await?
                }
                opened => opened?,
            };
            Ok(self.writer(inner))
        })
    }

    fn standing<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<Standing, DatabaseError>> {
        Box::pin(async move {
            let standing = self.inner.standing(projection, generation).await?;
            if self.fault != Fault::ShowsStandingsLate {
                return Ok(standing);
            }
            let late = self.shared.late.lock().unwrap().replace(standing.clone());
            Ok(late.unwrap_or(standing))
        })
    }

    fn parked<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<Vec<Parked>, DatabaseError>> {
        Box::pin(async move {
            let mut parked = self.inner.parked(projection, generation).await?;
            if self.fault == Fault::ListsParkedBackward {
                parked.reverse();
            }
            let kept = self.shared.parked.lock().unwrap().clone();
            Ok(if kept.is_empty() { parked } else { kept })
        })
    }

    fn claim(&self) -> BoxFuture<'_, Result<Claimed, DatabaseError>> {
        match self.fault {
            Fault::LetsEverybodyClaim => Box::pin(async { Ok(Ok(Box::new(NoClaim) as Box<dyn Claim>)) }),
            _ => self.inner.claim(),
        }
    }

    fn pause<'a>(&'a self, projection: &'a str, paused: bool) -> BoxFuture<'a, Result<(), DatabaseError>> {
        match self.fault {
            Fault::ForgetsPauses => Box::pin(async { Ok(()) }),
            _ => self.inner.pause(projection, paused),
        }
    }

    fn paused(&self) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>> {
        self.inner.paused()
    }

    fn make_live<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<(), DatabaseError>> {
        Box::pin(async move {
            match self.fault {
                Fault::SwapsNothing => Ok(()),
                Fault::SwapsInTwoSteps => {
                    self.shared.swapping.store(true, Ordering::SeqCst);
                    between_steps().await;
                    let swapped = self.inner.make_live(projection, generation).await;
                    self.shared.swapping.store(false, Ordering::SeqCst);
                    swapped
                }
                _ => self.inner.make_live(projection, generation).await,
            }
        })
    }

    fn discard<'a>(
        &'a self,
        projection: &'a str,
        generation: u64,
    ) -> BoxFuture<'a, Result<(), DatabaseError>> {
        Box::pin(async move {
            if self.fault == Fault::DropsNothing {
                return Ok(());
            }
            match self.inner.discard(projection, generation).await {
                Err(DatabaseError::IsLive { .. }) if self.fault == Fault::DropsTheLiveOne => {
                    let bare = Arc::new(Model::new(projection, Vec::new(), Vec::new()).unwrap());
                    let number = self.inner.create(&bare, StoreId::from_bytes([1; 16])).await?;
                    self.inner.make_live(projection, number).await?;
                    self.inner.discard(projection, generation).await
                }
                dropped => dropped,
            }
        })
    }

    fn drop_projection<'a>(&'a self, projection: &'a str) -> BoxFuture<'a, Result<(), DatabaseError>> {
        Box::pin(async move {
            match self.fault {
                Fault::DropsNoProjection => Ok(()),
                Fault::DropsAPausedProjection => {
                    let paused = self.inner.paused().await?;
                    self.inner.drop_projection(projection).await?;
                    let stays = paused.iter().any(|paused| paused == projection);
                    if stays { self.inner.pause(projection, true).await } else { Ok(()) }
                }
                _ => self.inner.drop_projection(projection).await,
            }
        })
    }

    fn shadow<'a>(
        &'a self,
        model: &'a Arc<Model>,
        generation: u64,
        store: StoreId,
    ) -> BoxFuture<'a, Result<Box<dyn Shadow>, DatabaseError>> {
        Box::pin(async move {
            let inner = self.inner.shadow(model, generation, store).await?;
            if self.fault == Fault::LeavesAGeneration {
                self.inner.create(model, store).await?;
            }
            Ok(Box::new(BrokenShadow { inner, fault: self.fault }) as Box<dyn Shadow>)
        })
    }

    fn ask<'a>(
        &'a self,
        query: &'a SqlQuery,
        parameters: &'a Parameters<'_>,
        limits: &'a AnswerLimits,
    ) -> BoxFuture<'a, Result<QueryAnswer, AskError>> {
        Box::pin(self.broken_ask(query, parameters, limits))
    }
}
