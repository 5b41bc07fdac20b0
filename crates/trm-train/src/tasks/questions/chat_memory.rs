//! What a chat with the frozen language model has read already.

use std::cell::RefCell;
use std::rc::Rc;

use trm_core::ModelCache;

/// What the last chat has read, so that its next turn does not read it again.
#[derive(Clone, Debug, Default)]
pub struct ChatMemory(Rc<RefCell<Option<Read>>>);

/// Tokens, and their keys and values.
type Read = (Vec<u32>, ModelCache);

impl ChatMemory {
    /// The keys and values of the tokens that `tokens` begins with, as far as they are known;
    /// the last token is left to be read.
    pub fn of(&self, tokens: &[u32]) -> Option<ModelCache> {
        let (read, mut cache) = self.0.take()?;
        let same = read.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        cache.truncate(same.min(tokens.len().saturating_sub(1)));
        (!cache.is_empty()).then_some(cache)
    }

    /// Keeps what a chat has read in place of what was kept before.
    pub fn keep(&self, read: Read) {
        self.0.replace(Some(read));
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::*;

    #[test]
    fn what_two_chats_begin_with_alike_is_not_read_again() {
        let read = |tokens: &[u32]| {
            let mut cache = ModelCache::new(1, 1, 1, 8);
            for blocks in cache.all_passes_mut() {
                let kv = Tensor::zeros([1, 1, tokens.len(), 2], &Device::flex());
                blocks[0].append(kv.clone(), kv);
            }
            ChatMemory(Rc::new(RefCell::new(Some((tokens.to_vec(), cache)))))
        };
        let known = |before: &[u32], now: &[u32]| read(before).of(now).map(|cache| cache.len());
        assert_eq!(known(&[1, 2, 3], &[1, 2, 3, 4, 5]), Some(3));
        assert_eq!(known(&[1, 2, 3], &[1, 2, 7, 4]), Some(2));
        // The last token is read again, for what follows it.
        assert_eq!(known(&[1, 2, 3], &[1, 2, 3]), Some(2));
        assert_eq!(known(&[1, 2, 3], &[1]), None);
        assert_eq!(known(&[1, 2, 3], &[4, 2, 3]), None);
        // An answer takes it; a second one at the same time begins anew.
        let memory = read(&[1, 2]);
        assert!(memory.of(&[1, 2, 3]).is_some() && memory.of(&[1, 2, 3]).is_none());
    }
}
