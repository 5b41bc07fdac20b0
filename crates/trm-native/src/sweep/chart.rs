//! A chart of validation loss against depth (SVG), for light and dark backgrounds.

use std::fmt::Write;

use super::Equal;
use super::outcome::Row;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 56.0;

/// Horizontal distance between two comparisons at one depth, so that neither hides the other.
const OFFSET: f64 = 14.0;

/// Colours that are legible on white and on black.
const STYLE: &str = "text{font:14px system-ui,sans-serif;fill:#24292f}\
.title{font-weight:600}.small{font-size:12px}\
.axis{stroke:#8c959f;stroke-width:1}.grid{stroke:#8c959f;stroke-width:1;opacity:.3}\
.settings{stroke:#2f81f7;fill:#2f81f7}.compute{stroke:#d9730d;fill:#d9730d}\
.line{fill:none;stroke-width:2}.compute.line{stroke-dasharray:6 4}\
.whisker{fill:none;stroke-width:1.5}.seed{opacity:.45;stroke:none}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}}";

/// The chart of `rows`; only a title if there are none.
pub fn svg(title: &str, rows: &[Row]) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\">\n<style>{STYLE}</style>\n"
    );
    let label = |out: &mut String, x: f64, y: f64, look: &str, text: &str| {
        let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" {look}>{}</text>", escaped(text));
    };
    label(&mut out, LEFT, 24.0, "class=\"title\"", title);
    let Some(scale) = Scale::over(rows) else { return out + "</svg>\n" };
    let floor = HEIGHT - BOTTOM;
    for tick in scale.ticks() {
        let y = scale.y(tick);
        let _ = writeln!(out, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{:.1}\"/>", WIDTH - RIGHT);
        let text = format!("{tick:.*}", scale.decimals());
        label(&mut out, LEFT - 8.0, y + 4.0, "class=\"small\" text-anchor=\"end\"", &text);
    }
    let _ = writeln!(
        out,
        "<path class=\"axis\" fill=\"none\" d=\"M{LEFT} {TOP}V{floor}H{}\"/>",
        WIDTH - RIGHT
    );
    for &depth in &scale.depths {
        let x = scale.x(depth);
        label(&mut out, x, floor + 20.0, "text-anchor=\"middle\"", &depth.to_string());
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    label(&mut out, middle, HEIGHT - 14.0, "text-anchor=\"middle\"", "recursion depth (cycles)");
    let upright =
        format!("text-anchor=\"middle\" transform=\"rotate(-90 18 {:.1})\"", HEIGHT / 2.0);
    label(&mut out, 18.0, HEIGHT / 2.0, &upright, "validation loss");
    let comparisons = [(Equal::Settings, "settings"), (Equal::Compute, "compute")];
    let mut at = LEFT;
    for (equal, class) in comparisons {
        let rows: Vec<_> = rows.iter().filter(|row| row.equal == equal).collect();
        if rows.is_empty() {
            continue;
        }
        let shift = if equal == Equal::Settings { -OFFSET / 2.0 } else { OFFSET / 2.0 };
        series(&mut out, &rows, class, &scale, shift);
        let _ = writeln!(out, "<path class=\"{class} line\" d=\"M{at} 44h28\"/>");
        mark(&mut out, class, at + 14.0, 44.0);
        label(&mut out, at + 36.0, 49.0, "", &format!("equal {class}"));
        at += 160.0;
    }
    out + "</svg>\n"
}

/// A line through the means, a whisker of one standard deviation each way, a dot per seed.
fn series(out: &mut String, rows: &[&Row], class: &str, scale: &Scale, shift: f64) {
    let points: Vec<_> =
        rows.iter().map(|row| (scale.x(row.depth) + shift, scale.y(row.mean_loss))).collect();
    let path: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    let _ = writeln!(out, "<path class=\"{class} line\" d=\"M{}\"/>", path.join("L"));
    for (row, (x, y)) in rows.iter().zip(points) {
        for loss in row.losses.iter().filter(|_| row.losses.len() > 1) {
            let y = scale.y(*loss);
            let _ = writeln!(
                out,
                "<circle class=\"{class} seed\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>"
            );
        }
        if let Some(spread) = row.std_loss {
            let (high, low) = (scale.y(row.mean_loss + spread), scale.y(row.mean_loss - spread));
            let (left, right) = (x - 5.0, x + 5.0);
            let _ = writeln!(
                out,
                "<path class=\"{class} whisker\" d=\"M{left:.1} {high:.1}H{right:.1}M{x:.1} {high:.1}V{low:.1}M{left:.1} {low:.1}H{right:.1}\"/>"
            );
        }
        mark(out, class, x, y);
    }
}

/// A circle for equal settings, a square for equal compute.
fn mark(out: &mut String, class: &str, x: f64, y: f64) {
    let _ = if class == "settings" {
        writeln!(out, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>")
    } else {
        let (x, y) = (x - 4.0, y - 4.0);
        writeln!(
            out,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"8\" height=\"8\"/>"
        )
    };
}

/// Maps depths and losses to coordinates.
struct Scale {
    depths: Vec<usize>,
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    fn over(rows: &[Row]) -> Option<Self> {
        let mut depths: Vec<usize> = rows.iter().map(|row| row.depth).collect();
        depths.sort_unstable();
        depths.dedup();
        let ends = rows.iter().flat_map(|row| {
            let spread = row.std_loss.unwrap_or(0.0);
            let whisker = [row.mean_loss - spread, row.mean_loss + spread];
            whisker.into_iter().chain(row.losses.iter().copied())
        });
        let (low, high) =
            ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
        if !(low.is_finite() && high.is_finite()) {
            return None;
        }
        let step = round_step((high - low).max(1e-3) / 5.0);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        Some(Self { depths, low, high: high.max(low + step), step })
    }

    fn x(&self, depth: usize) -> f64 {
        let place = self.depths.iter().position(|known| *known == depth).unwrap_or(0) as f64 + 0.5;
        LEFT + place * (WIDTH - LEFT - RIGHT) / self.depths.len() as f64
    }

    fn y(&self, loss: f64) -> f64 {
        TOP + (self.high - loss) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let count = ((self.high - self.low) / self.step).round() as usize;
        (0..=count).map(|tick| self.low + tick as f64 * self.step)
    }

    /// Decimals needed to distinguish two ticks.
    fn decimals(&self) -> usize {
        (-self.step.log10()).ceil().max(0.0) as usize
    }
}

/// The smallest of 1, 2 and 5 times a power of ten that is at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= step);
    factor.unwrap_or(10.0) * power
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(equal: Equal, depth: usize, losses: &[f64]) -> Row {
        let mean_loss = losses.iter().sum::<f64>() / losses.len() as f64;
        Row {
            equal,
            depth,
            seeds: (0..losses.len() as u64).collect(),
            losses: losses.to_vec(),
            mean_loss,
            std_loss: (losses.len() > 1).then_some(0.01),
            steps: 10.0,
            parameters: 1,
            flops_per_token: 1.0,
            training_flops: 1.0,
            minutes: 1.0,
        }
    }

    #[test]
    fn every_depth_and_seed_is_drawn_inside_the_frame() {
        let rows = [
            row(Equal::Settings, 1, &[1.70, 1.72]),
            row(Equal::Settings, 4, &[1.60, 1.66]),
            row(Equal::Compute, 1, &[1.65, 1.64]),
        ];
        let svg = svg("a < b & c", &rows);
        assert!(svg.contains("a &lt; b &amp; c") && svg.ends_with("</svg>\n"), "{svg}");
        // Six seeds, two means and one legend entry of equal settings.
        assert_eq!(svg.matches("<circle").count(), 6 + 2 + 1);
        assert_eq!(svg.matches("whisker\"").count(), 3);
        assert!(svg.contains(">4</text>") && svg.contains("equal compute"));
        for y in svg.split("cy=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let y: f64 = y.parse().expect("a number");
            assert!((TOP..=HEIGHT - BOTTOM).contains(&y) || y == 44.0, "{y}");
        }
        let scale = Scale::over(&rows).expect("a scale");
        assert!(scale.y(1.6) > scale.y(1.7), "a lower loss lies lower");
        assert!(scale.x(1) < scale.x(4));
    }

    #[test]
    fn ticks_are_round_and_few() {
        for (low, high) in [(1.6, 1.7), (1.0, 4.0), (2.0, 2.0), (1.63, 1.6312)] {
            let rows = [row(Equal::Settings, 1, &[low]), row(Equal::Settings, 2, &[high])];
            let scale = Scale::over(&rows).expect("a scale");
            let ticks: Vec<_> = scale.ticks().collect();
            assert!((2..=8).contains(&ticks.len()), "{ticks:?}");
            assert!(ticks[0] <= low + 1e-9 && ticks[ticks.len() - 1] >= high - 1e-9, "{ticks:?}");
            let texts: std::collections::BTreeSet<_> =
                ticks.iter().map(|tick| format!("{tick:.*}", scale.decimals())).collect();
            assert_eq!(texts.len(), ticks.len(), "{texts:?}");
        }
    }

    #[test]
    fn no_rows_still_give_a_valid_file() {
        assert!(svg("nothing", &[]).ends_with("</svg>\n"));
    }
}
