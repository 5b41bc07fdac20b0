//! A chart of labelled bars (SVG), for light and dark backgrounds.

use std::fmt::Write;

use super::chart::escaped;

const WIDTH: f64 = 640.0;
const LEFT: f64 = 280.0;
const RIGHT: f64 = 72.0;
const TOP: f64 = 48.0;
const ROW: f64 = 26.0;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#24292f}\
.title{font-weight:600}.bar{fill:#2f81f7}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}}";

/// One bar for each label and value; values are not negative.
pub fn svg(title: &str, bars: &[(String, f64)]) -> String {
    let height = TOP + ROW * bars.len() as f64 + 16.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n<style>{STYLE}</style>\n\
         <text class=\"title\" x=\"16\" y=\"26\">{}</text>\n",
        escaped(title)
    );
    let largest = bars.iter().map(|(_, value)| *value).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    for (row, (label, value)) in bars.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        let length = (WIDTH - LEFT - RIGHT) * value / largest;
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <rect class=\"bar\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"18\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{value:.4}</text>",
            LEFT - 8.0,
            y + 14.0,
            escaped(label),
            LEFT + length + 6.0,
            y + 14.0
        );
    }
    out + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fits_and_labels_are_escaped() {
        let chart = svg("a < b", &[("x & y".into(), 0.5), ("z".into(), 1.0)]);
        assert!(chart.contains("a &lt; b") && chart.contains("x &amp; y"), "{chart}");
        assert!(chart.contains("width=\"288.0\"") && chart.contains("width=\"144.0\""), "{chart}");
        assert!(!svg("none", &[]).contains("NaN"));
    }
}
