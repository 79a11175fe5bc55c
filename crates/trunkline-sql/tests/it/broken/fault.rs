//! The ways in which a read database can be broken.

/// What is wrong with a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    // Generations.
    HasAnotherPlaceEachTime,
    MakesEveryNewOneLive,
    MakesFilledOnes,
    ListsTheNewestFirst,
    KeepsWhatCannotBeMade,
    ReusesNumbers,
    OpensWhatIsNotThere,
    SwapsNothing,
    SwapsInTwoSteps,
    DropsTheLiveOne,
    DropsNothing,
    ShowsStandingsLate,
    // Who runs them.
    LetsEverybodyClaim,
    ForgetsPauses,
    // Asking.
    AnswersWithOneRowMore,
    SaysNotThatThereIsMore,
    IgnoresSkip,
    IgnoresBytesMax,
    SaysNotThatItTookTooLong,
    AnswersManyForOne,
    ForgetsParameters,
    AnswersWhatChanges,
    AsksInTwoMoments,
    // Texts.
    FindsNoMistakes,
    QuotesNothing,
    BindsTextForBooleans,
    // Applying.
    MovesNoCheckpoint,
    MovesTheCheckpointAlone,
    AppliesHalfOfABatch,
    AppliesOneByOne,
    AppliesBackward,
    RefusesOtherTypes,
    TakesOneEventOfAPosition,
    TakesOldEvents,
    SaysLittleOfFailures,
    BindsNoData,
    KeepsNotes,
    IgnoresTheFence,
    KeepsTheToken,
    GoesOnAfterALeftCall,
    HoldsWhatItClosed,
    // Putting aside and back.
    ParksBehindItsCheckpoint,
    ParksNothing,
    ListsParkedBackward,
    ParksOldEvents,
    RetriesWithoutRows,
    ForgetsWhatItRetriedInVain,
    ForgetsAlways,
    KeepsParkedWhenPutBack,
    EmptiesWhenPutBack,
    PutsForward,
    EmptiesNothing,
    EmptiesWithoutTheCheckpoint,
    EmptiesInTwoSteps,
    CreatesInTwoSteps,
    // Shadows.
    ComparesNothing,
    CountsWhatItShows,
    LooksAtTheLiveSide,
    ComparesWithWhatIsLater,
    LeavesAGeneration,
    // Opening again.
    LosesAll,
}
