//! The store against real files, real servers and real processes.
#[cfg(test)]
mod annotations;
#[cfg(test)]
mod api_keys;
#[cfg(test)]
mod backend;
#[cfg(test)]
mod contents;
#[cfg(test)]
mod continuation;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod forgetting;
#[cfg(test)]
mod guardrails;
#[cfg(test)]
mod live;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod pool;
#[cfg(test)]
mod projects;
#[cfg(test)]
mod pushes;
#[cfg(test)]
mod records;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod search;
#[cfg(test)]
mod second_process;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod tool_pins;
