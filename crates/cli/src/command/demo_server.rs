use std::io;

use super::{Failure, Outcome};
use crate::demo::serve;

/// Is the server of the demo until its client closes the connection.
pub(crate) fn demo_server() -> Result<Outcome, Failure> {
    serve(io::stdin().lock(), io::stdout().lock())?;
    Ok(Outcome::Ok)
}
