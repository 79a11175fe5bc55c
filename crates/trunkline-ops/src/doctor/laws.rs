//! Whether what must hold does.

use super::{Check, Subject, events};
use crate::words::counted;
use crate::{OpsError, sagas};

pub(super) const NAME: &str = "laws";

pub(super) async fn look(subject: &Subject<'_>) -> Result<Vec<Check>, OpsError> {
    let app = subject.app;
    if events::is_new(&**app.store()).await? {
        return Ok(Vec::new());
    }
    let all = trunkline::law::laws(app).await?;
    let resting = sagas::counts(app).await.is_ok_and(|counts| counts.running + counts.compensating == 0);
    let mut checks = Vec::new();
    let held = all.iter().filter(|law| law.holds).count() as u64;
    for law in all.iter().filter(|law| !law.holds) {
        let breach = law.breaches.first().map(ToString::to_string).unwrap_or_default();
        let says = format!("broken: {}; {breach}", law.says);
        checks.push(if resting {
            let run = subject.command_with_queue("run", "");
            let read = subject.command_on_events("read", "STREAM");
            Check::bad(NAME, says, format!("{run} lists more breaches, {read} shows what happened"))
        } else {
            Check::note(NAME, says, "sagas are on their way, so this may still come right")
        });
    }
    if held > 0 {
        let verb = if held == 1 { "holds" } else { "hold" };
        checks.push(Check::ok(NAME, format!("{} {verb}", counted(held, "law"))));
    }
    Ok(checks)
}
