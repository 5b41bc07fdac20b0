//! Training progress on standard error: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use trm_spec::{Family, StepReport, VariantSpec};

use super::count::{items, thousands};
use crate::terminal::report::say;

/// Time between two lines of a command that reports its progress in lines.
pub const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Shows the progress of a run.
pub struct Progress {
    bar: Option<ProgressBar>,
    total: usize,
    /// What the speed counts, in the plural, and how many tokens one of them has.
    items: &'static str,
    tokens_each: usize,
}

impl Progress {
    /// The progress of a run of `model` that has made `step` of `total` steps.
    pub fn new(step: usize, total: usize, model: &VariantSpec) -> Self {
        let bar = can_redraw().then(|| {
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(total as u64).with_style(style).with_position(step as u64)
        });
        let family = model.family();
        let tokens_each = if family == Family::Language { 1 } else { model.length().max(1) };
        Self { bar, total, items: items(family), tokens_each }
    }

    /// Moves the bar; without a bar, prints a line if `logged`. `left` is the time
    /// until the run ends.
    pub fn step(&self, report: &StepReport, speed: &Speed, left: Duration, logged: bool) {
        let text = format!(
            "loss {:.4}  lr {:.2e}  {} {}/s  {} left",
            report.loss,
            report.learning_rate,
            rate(speed.tokens_per_second() / self.tokens_each as f64),
            self.items,
            clock(left),
        );
        match &self.bar {
            Some(bar) => {
                bar.set_position(report.step as u64);
                bar.set_message(text);
            }
            None if logged => say!("step {}/{}  {text}", report.step, self.total),
            None => {}
        }
    }

    /// Shows how far a validation is: in the bar's text, or without a bar in a line of `lines`
    /// every [`LINE_INTERVAL`]. The next step replaces the text.
    pub fn validating(&self, lines: &mut LineProgress, done: usize, total: usize) {
        match &self.bar {
            Some(bar) => bar.set_message(lines.text(done, total)),
            None => lines.at(done, total, ""),
        }
    }

    /// Says that a validation begins, which may take a while before its first part is done.
    pub fn begins_validation(&self) {
        if let Some(bar) = &self.bar {
            bar.set_message("validating …");
        }
    }

    /// Removes the bar, so that it does not overwrite later output.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Prints a line that stays, above the bar if there is one.
    pub fn print(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => say!("{text}"),
        }
    }
}

/// Whether a bar can be drawn: on a capable terminal, and not under continuous
/// integration, whose logs keep every redrawn line.
fn can_redraw() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    std::io::stderr().is_terminal() && !dumb && std::env::var_os("CI").is_none()
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Training speed, measured in steps and in the pauses between them.
pub struct Speed {
    tokens_per_step: usize,
    /// Seconds per step: an exponential moving average, without pauses.
    seconds: Option<f64>,
    steps: usize,
    /// Total seconds in steps.
    spent: f64,
    /// Total seconds of validation and saving between steps.
    paused: f64,
}

/// Weight of the newest measurement in the moving average.
const NEWEST: f64 = 0.3;

impl Speed {
    /// The speed of steps of so many tokens; unknown until the first measurement.
    pub fn new(tokens_per_step: usize) -> Self {
        Self { tokens_per_step, seconds: None, steps: 0, spent: 0.0, paused: 0.0 }
    }

    /// Records that so many steps took `time`.
    pub fn measured(&mut self, steps: usize, time: Duration) {
        if steps > 0 {
            let now = time.as_secs_f64() / steps as f64;
            self.seconds =
                Some(self.seconds.map_or(now, |before| before + NEWEST * (now - before)));
            self.steps += steps;
            self.spent += time.as_secs_f64();
        }
    }

    /// Records time between steps.
    pub fn paused(&mut self, time: Duration) {
        self.paused += time.as_secs_f64();
    }

    /// Total seconds in steps.
    pub fn seconds_in_steps(&self) -> f64 {
        self.spent
    }

    /// Tokens per second in steps; 0 before the first measurement.
    pub fn tokens_per_second(&self) -> f64 {
        self.seconds.map_or(0.0, |seconds| self.tokens_per_step as f64 / seconds.max(1e-9))
    }

    /// Number of steps that fit into `time`, at least 1.
    pub fn steps_in(&self, time: Duration) -> usize {
        self.seconds.map_or(1, |seconds| (time.as_secs_f64() / seconds.max(1e-9)) as usize).max(1)
    }

    /// Expected time of `steps` more steps, with pauses in proportion.
    pub fn time_for(&self, steps: usize) -> Duration {
        let pause = self.paused / self.steps.max(1) as f64;
        Duration::from_secs_f64((self.seconds.unwrap_or(0.0) + pause) * steps as f64)
    }
}

/// How far long work on many items is, in a line every [`LINE_INTERVAL`].
pub struct LineProgress {
    /// What is done, before the number, if it is not clear from what was said.
    work: &'static str,
    /// What the items are, in the plural.
    items: &'static str,
    began: Instant,
    shown: Instant,
}

impl LineProgress {
    /// The work on `items`, a plural such as "puzzles", begins now.
    pub fn new(items: &'static str) -> Self {
        Self { work: "", items, began: Instant::now(), shown: Instant::now() }
    }

    /// As [`new`](Self::new), of a validation by so many `items`.
    pub fn of_validation(items: &'static str) -> Self {
        Self { work: "validating, ", ..Self::new(items) }
    }

    /// `done` of `total` are done.
    fn text(&self, done: usize, total: usize) -> String {
        let [done, total] = [done, total].map(|n| thousands(n as u64));
        format!("{}{done} of {total} {}", self.work, self.items)
    }

    /// `done` of `total` are done; `detail` is added to the line.
    pub fn at(&mut self, done: usize, total: usize, detail: &str) {
        if done == 0 || done >= total || self.shown.elapsed() <= LINE_INTERVAL {
            return;
        }
        self.shown = Instant::now();
        let left = self.began.elapsed().mul_f64((total - done) as f64 / done as f64);
        say!("{}{detail}, {} left", self.text(done, total), clock(left));
    }

    /// As the callback of an evaluation: [`at`](Self::at) without a detail.
    pub fn callback(mut self) -> impl FnMut(usize, usize) {
        move |done, total| self.at(done, total, "")
    }
}

/// Items per second; of few, the first decimal is worth reading.
fn rate(per_second: f64) -> String {
    match per_second < 10.0 {
        true => format!("{per_second:.1}"),
        false => thousands(per_second as u64),
    }
}

/// `3:07` or `1:02:03`.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use trm_spec::{Family, MODELS};

    use super::*;

    #[test]
    fn times_read_well() {
        let times = [0.4, 59.6, 187.0, 3723.0].map(|s| clock(Duration::from_secs_f64(s)));
        assert_eq!(times, ["0:00", "1:00", "3:07", "1:02:03"]);
        assert_eq!([0.0, 0.74, 12.9, 6021.5].map(rate), ["0.0", "0.7", "12", "6,021"]);
    }

    #[test]
    fn the_speed_is_counted_in_the_unit_of_the_family() {
        let of = |family| {
            let model = MODELS.iter().find(|model| model.family == family).expect("one");
            (model.defaults)().0
        };
        let images = of(Family::Images);
        let progress = Progress::new(0, 9, &images);
        assert_eq!((progress.items, progress.tokens_each), ("images", images.length()));
        let progress = Progress::new(0, 9, &of(Family::Language));
        assert_eq!((progress.items, progress.tokens_each), ("tokens", 1));
    }

    #[test]
    fn a_validation_says_what_it_counts() {
        let lines = LineProgress::of_validation("puzzles");
        assert_eq!(lines.text(320, 1000), "validating, 320 of 1,000 puzzles");
        assert_eq!(LineProgress::new("tokens").text(0, 5), "0 of 5 tokens");
    }

    #[test]
    fn speed_is_a_moving_average_over_steps() {
        let mut speed = Speed::new(100);
        assert_eq!((speed.tokens_per_second(), speed.steps_in(Duration::from_secs(9))), (0.0, 1));
        speed.measured(2, Duration::from_secs(4));
        assert_eq!(speed.tokens_per_second(), 50.0);
        assert_eq!(speed.steps_in(Duration::from_secs(9)), 4);
        assert_eq!(speed.time_for(3), Duration::from_secs(6));
        speed.measured(1, Duration::from_secs(1));
        assert_eq!(speed.time_for(10), Duration::from_secs(17));
        assert_eq!(speed.seconds_in_steps(), 5.0);
        speed.measured(0, Duration::from_secs(50));
        assert_eq!(speed.time_for(10), Duration::from_secs(17));
        // Three steps were made; a pause of six seconds is two for each.
        speed.paused(Duration::from_secs(6));
        assert_eq!((speed.time_for(10), speed.seconds_in_steps()), (Duration::from_secs(37), 5.0));
    }
}
