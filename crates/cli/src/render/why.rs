//! Why steps run or are reused, a step a paragraph.

use std::fmt::Write as _;

use stepwell_api::{ReuseOutcome, Why};

use super::style::{Paint, Style};
use crate::select::short;

/// A line for each step, and one for each reason below it.
pub(crate) fn reasons(steps: &[Why], style: Style) -> String {
    let mut text = String::new();
    for step in steps {
        let (word, paint) = match step.outcome {
            ReuseOutcome::Reused => ("reused", Paint::Green),
            ReuseOutcome::Runs => ("runs", Paint::Cyan),
            ReuseOutcome::Undecided => ("undecided", Paint::Faint),
        };
        let outcome = style.paint(paint, &format!("{word:<9}"));
        let earlier = match step.compared_with {
            Some(run) => style.paint(Paint::Faint, &format!("  (compared with {})", short(run))),
            None => String::new(),
        };
        // A string takes all text.
        let _ = writeln!(text, "{outcome}  {}{earlier}", step.step);
        for reason in step.reasons.iter().chain(&step.start) {
            let _ = writeln!(text, "             {reason}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_step_has_its_reasons() {
        let step = |name: &str, outcome, reasons: &[&str], compared_with| Why {
            run: None,
            step: name.to_owned(),
            outcome,
            reasons: reasons.iter().map(|&reason| reason.to_owned()).collect(),
            compared_with,
            start: (outcome == ReuseOutcome::Runs).then(|| "started warm".to_owned()),
        };
        let steps = [
            step(
                "prepare",
                ReuseOutcome::Reused,
                &[],
                Some(Uuid::from_u128(7)),
            ),
            step(
                "train",
                ReuseOutcome::Runs,
                &["argument 2 was `1` and is `2`"],
                None,
            ),
        ];
        insta::assert_snapshot!(reasons(&steps, Style::PLAIN), @r"
        reused     prepare  (compared with 00000007)
        runs       train
                     argument 2 was `1` and is `2`
                     started warm
        ");
    }
}
