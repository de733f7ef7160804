use std::env;

use rustix::process::getuid;
use rustix::system::uname;

/// Who runs the gateway, and where: `user@host`.
pub(crate) fn system_user() -> String {
    let user = env::var("USER").or_else(|_| env::var("LOGNAME"));
    let user = user.unwrap_or_else(|_| getuid().as_raw().to_string());
    let host = uname();
    let host = host.nodename().to_string_lossy();
    format!("{user}@{host}")
}
