//! Remembers whether text was shown. Owns nothing else.

use crate::DeltaSink;

/// A sink that knows whether it has passed anything on: what was shown cannot be taken back.
pub(super) struct Shown<'a> {
    inner: &'a mut dyn DeltaSink,
    shown: bool,
}

impl<'a> Shown<'a> {
    pub(super) fn new(inner: &'a mut dyn DeltaSink) -> Self {
        Self { inner, shown: false }
    }

    pub(super) const fn has_shown(&self) -> bool {
        self.shown
    }
}

impl DeltaSink for Shown<'_> {
    fn text(&mut self, delta: &str) {
        self.shown |= !delta.is_empty();
        self.inner.text(delta);
    }

    fn waits(&mut self) {
        self.inner.waits();
    }

    fn runs(&mut self) {
        self.inner.runs();
    }
}
