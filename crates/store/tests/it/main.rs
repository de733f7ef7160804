//! The store against real files and real processes.
#[cfg(test)]
mod backend;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod records;
#[cfg(test)]
mod second_process;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod suite;
