use crate::types::Type;

/// What the value of an expression can be, where it has one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) ty: Type,
    /// Whether it can be exactly True.
    pub(super) can_be_true: bool,
    /// Whether `not` can make it True.
    pub(super) can_be_falsy: bool,
}

// === impl Outcome ===

impl Outcome {
    pub(super) const ANY: Outcome = Outcome {
        ty: Type::ANY,
        can_be_true: true,
        can_be_falsy: true,
    };
    pub(super) const BOOLEAN: Outcome = Outcome {
        ty: Type::BOOL,
        can_be_true: true,
        can_be_falsy: true,
    };

    pub(super) fn of(ty: Type) -> Self {
        Outcome {
            ty,
            can_be_true: ty.overlaps(Type::BOOL),
            can_be_falsy: !ty.is_within(Type::STRUCTURE),
        }
    }

    /// This boolean and no other.
    pub(super) fn always(value: bool) -> Self {
        Outcome {
            ty: Type::BOOL,
            can_be_true: value,
            can_be_falsy: !value,
        }
    }

    pub(super) fn not(self) -> Self {
        // A value that is neither true nor false does not exist: what is never falsy is truthy.
        Outcome {
            ty: Type::BOOL,
            can_be_true: self.can_be_falsy,
            can_be_falsy: true,
        }
    }

    /// Python's `and`: the left value if it is falsy, else the right one.
    pub(super) fn and(self, right: Outcome) -> Self {
        let left = if self.can_be_falsy {
            self.ty
        } else {
            Type::EMPTY
        };
        Outcome {
            ty: left.or(right.ty),
            can_be_true: right.can_be_true && !self.is_false(),
            can_be_falsy: self.can_be_falsy || right.can_be_falsy,
        }
    }

    /// Python's `or`: the left value if it is truthy, else the right one.
    pub(super) fn or(self, right: Outcome) -> Self {
        Outcome {
            ty: self.ty.or(right.ty),
            can_be_true: self.can_be_true || right.can_be_true,
            can_be_falsy: self.can_be_falsy && right.can_be_falsy,
        }
    }

    pub(super) fn either(self, other: Outcome) -> Self {
        Outcome {
            ty: self.ty.or(other.ty),
            can_be_true: self.can_be_true || other.can_be_true,
            can_be_falsy: self.can_be_falsy || other.can_be_falsy,
        }
    }

    fn is_false(self) -> bool {
        self.ty.is_within(Type::BOOL) && !self.can_be_true
    }
}
