use super::upstream::Form;
use super::{Cell, Measured, Way};
use crate::overhead::{Quantiles, micros};

/// At 16 connections, the least share of nginx's requests a second.
const SHARE_MIN: f64 = 0.6;
/// At one connection, the most that the gateway may add to the median, in what nginx adds.
const ADDED_MAX: f64 = 2.5;
/// The last calls of a long session may take this many times as long as those of a new one.
const GROWTH_MAX: f64 = 1.5;

/// What is printed, and what missed its aim.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<String>,
    sessions: Vec<String>,
    missed: Vec<String>,
    has_nginx: bool,
}

// === impl Report ===

impl Report {
    pub(super) fn add(&mut self, cell: Cell, measured: &[Measured]) {
        let find = |way| measured.iter().find(|one| one.way == way);
        let (direct, nginx) = (find(Way::Direct), find(Way::Nginx));
        self.has_nginx |= nginx.is_some();
        for one in measured {
            let share = nginx.map(|nginx| one.per_second / nginx.per_second);
            let added = direct.zip(nginx).and_then(|(direct, nginx)| {
                let added = |of: &Measured| of.times.p50.saturating_sub(direct.times.p50);
                let by_nginx = added(nginx).as_secs_f64();
                (by_nginx > 0.0).then(|| added(one).as_secs_f64() / by_nginx)
            });
            self.rows.push(format!(
                "| {} | {} | {} | {} | {:.0} | {} | {} | {} | {} |",
                cell.form.title(),
                cell.bytes,
                cell.connections,
                one.way.title(),
                one.per_second,
                micros(one.times.p50),
                micros(one.times.p99),
                ratio(share),
                ratio(added),
            ));
            if one.way == Way::Portcullis {
                self.judge(cell, share, added);
            }
        }
    }

    pub(super) fn add_session(&mut self, form: Form, [new, old]: &[Quantiles; 2]) {
        let growth = old.p50.as_secs_f64() / new.p50.as_secs_f64();
        let title = form.title();
        self.sessions.push(format!(
            "sessions, {title}: p50 of a call in a new one {}, in a long one {}: {growth:.2}",
            micros(new.p50),
            micros(old.p50)
        ));
        if growth > GROWTH_MAX {
            self.missed
                .push(format!("{title}: a session grows slower by {growth:.2}"));
        }
    }

    fn judge(&mut self, cell: Cell, share: Option<f64>, added: Option<f64>) {
        let what = format!("{} of {} bytes", cell.form.title(), cell.bytes);
        match (cell.connections, share, added) {
            (16, Some(share), _) if share < SHARE_MIN => {
                self.missed.push(format!(
                    "{what}: {share:.2} of nginx's requests, not {SHARE_MIN}"
                ));
            }
            (1, _, Some(added)) if added > ADDED_MAX => {
                self.missed.push(format!(
                    "{what}: adds {added:.2} times what nginx adds, not {ADDED_MAX}"
                ));
            }
            _ => {}
        }
    }

    pub(super) fn finish(self) -> (String, bool) {
        let mut lines = vec![
            "| answer | bytes | connections | way | requests/s | p50 | p99 | requests, of nginx's \
             | added to p50, of nginx's |"
                .to_owned(),
            "|---|--:|--:|---|--:|--:|--:|--:|--:|".to_owned(),
        ];
        lines.extend(self.rows);
        lines.push(String::new());
        lines.extend(self.sessions);
        if !self.has_nginx {
            lines
                .push("skipped: nginx is not installed, so nothing is compared with it".to_owned());
        }
        let passed = self.missed.is_empty();
        lines.extend(
            self.missed
                .into_iter()
                .map(|one| format!("AIM MISSED: {one}")),
        );
        (lines.join("\n"), passed)
    }
}

fn ratio(of: Option<f64>) -> String {
    of.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"))
}

// === impl Form, Way ===

impl Form {
    fn title(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Events => "SSE",
        }
    }
}

impl Way {
    fn title(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Portcullis => "portcullis",
        }
    }
}
