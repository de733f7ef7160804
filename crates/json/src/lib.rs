//! JSON text as a gateway needs it: bounded, exact, and strict about what two readers could read differently.
mod value;

pub use value::{Number, Object, Value};
