//! A shadow that has a fault.

use std::sync::Arc;

use futures::future::BoxFuture;
use trunkline_sql::{
    DatabaseError, Differences, FoundRows, GenerationCheckpoint, RowDifference, Shadow, Side, Writer,
};

use super::fault::Fault;

#[derive(Debug)]
pub(super) struct BrokenShadow {
    pub(super) inner: Box<dyn Shadow>,
    pub(super) fault: Fault,
}

impl Shadow for BrokenShadow {
    fn live(&self) -> &GenerationCheckpoint {
        self.inner.live()
    }

    fn writer(&mut self) -> &mut dyn Writer {
        self.inner.writer()
    }

    fn differences(&mut self, rows_max: usize) -> BoxFuture<'_, Result<Differences, DatabaseError>> {
        Box::pin(async move {
            let mut found = self.inner.differences(rows_max).await?;
            match self.fault {
                Fault::ComparesNothing => found = Differences::default(),
                Fault::CountsWhatItShows => found.count = found.rows.len() as u64,
                Fault::ComparesWithWhatIsLater => found.count += 1,
                _ => {}
            }
            Ok(found)
        })
    }

    fn find(
        &mut self,
        side: Side,
        rows: Arc<[RowDifference]>,
    ) -> BoxFuture<'_, Result<Vec<FoundRows>, DatabaseError>> {
        let side = if self.fault == Fault::LooksAtTheLiveSide { Side::Live } else { side };
        self.inner.find(side, rows)
    }
}
