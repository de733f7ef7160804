use std::env;

use rustix::process::getuid;
use rustix::system::uname;

/// Who runs the gateway, and where: `user@host`.
pub(crate) fn system_user() -> String {
    let user = env::var_os("USER").or_else(|| env::var_os("LOGNAME"));
    let user = user.map_or_else(
        || getuid().as_raw().to_string(),
        |user| user.to_string_lossy().into_owned(),
    );
    let host = uname();
    let host = host.nodename().to_string_lossy();
    format!("{user}@{host}")
}
