//! What is an intent data set: which intents there are, and which texts mean them?
//!
//! [`taxonomy`] names the intents, [`item`] the texts, [`clinc150`] and [`banking77`] read what others published,
//! [`extraction`] turns texts into items that the trainer of extraction models takes.

pub mod banking77;
pub mod clinc150;
pub mod extraction;
pub mod item;
pub mod split;
pub mod taxonomy;

pub use item::IntentItem;
pub use taxonomy::{Intent, Slot, Taxonomy};

/// Texts and the taxonomy that their intents are from.
#[derive(Clone, Debug)]
pub struct IntentSet {
    /// The intents.
    pub taxonomy: Taxonomy,
    /// The texts of all splits, in the source's order.
    pub items: Vec<IntentItem>,
}

impl IntentSet {
    /// The items of one split, in order.
    pub fn split(&self, name: &str) -> Vec<IntentItem> {
        self.items.iter().filter(|item| item.split.as_deref() == Some(name)).cloned().collect()
    }
}
