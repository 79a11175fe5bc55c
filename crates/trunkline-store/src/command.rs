//! The tag by which the outcome of a command is found.

use trunkline_core::Append;

/// Gives every event of an append that names its command the tag of that command, after the tags that it
/// has; an event that has it already keeps its tags as they are.
///
/// Every backend does this after [`check`](crate::check), so that the tag isn't counted among the event's own.
///
/// ```
/// use trunkline_core::{Append, CommandId, Expected, NewEvent};
/// let event = NewEvent::json("OrderCreated", "{}")?.tag("sku:85123A".parse()?);
/// let mut append = Append::to("order-1".parse()?, Expected::Any)
///     .event(event)
///     .for_command(CommandId::new("7")?);
/// trunkline_store::tag_with_command(&mut append);
/// let tags: Vec<&str> = append.writes[0].events[0].tags.iter().map(|tag| tag.as_str()).collect();
/// assert_eq!(tags, ["sku:85123A", "$command:7"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn tag_with_command(append: &mut Append) {
    let Some(command) = &append.command else { return };
    let tag = command.tag();
    for event in append.writes.iter_mut().flat_map(|write| &mut write.events) {
        if !event.tags.contains(&tag) {
            event.tags.push(tag.clone());
        }
    }
}
