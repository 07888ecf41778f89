//! `doctor`: what was found.

use std::borrow::Cow;

use serde::Serialize;

use super::{Report, Style};

/// `doctor`.
#[derive(Debug, Serialize)]
pub struct Examined {
    /// `ok`, or `faults_found`.
    pub status: &'static str,
    /// How many faults.
    pub faults: usize,
    /// How many warnings.
    pub warnings: usize,
    /// Every check that could be made.
    pub checks: Vec<Found>,
}

/// What a check has found.
#[derive(Debug, Serialize)]
pub struct Found {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// The error code; none if all is well.
    pub code: Option<Cow<'static, str>>,
    /// What was found.
    pub message: String,
    /// What to do; none if all is well.
    pub step: Option<String>,
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// A node works, but not as well as it could, or not for long.
    Warning,
    /// A node cannot do its work.
    Fault,
}

impl Report for Examined {
    fn text(&self, style: Style) -> String {
        let mut lines: Vec<String> = Vec::new();
        for one in &self.checks {
            let verdict = match one.verdict {
                Verdict::Good => style.good("good   "),
                Verdict::Warning => style.strong("warning"),
                Verdict::Fault => style.bad("FAULT  "),
            };
            lines.push(format!("{verdict}  {:9}  {}", one.check, one.message));
            if let Some(step) = &one.step {
                lines.push(format!("{:20}{}", "", style.faint(&format!("-> {step}"))));
            }
        }
        let count = |many: usize, what: &str| match many {
            0 => format!("no {what}s"),
            1 => format!("1 {what}"),
            many => format!("{many} {what}s"),
        };
        let (faults, warnings) = (count(self.faults, "fault"), count(self.warnings, "warning"));
        lines.push(format!("{faults}, {warnings}"));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_stands_with_its_next_step() {
        let examined = Examined {
            status: "faults_found",
            faults: 1,
            warnings: 0,
            checks: vec![
                Found {
                    check: "key",
                    verdict: Verdict::Good,
                    code: None,
                    message: "only its owner can read the node's key".to_owned(),
                    step: None,
                },
                Found {
                    check: "ports",
                    verdict: Verdict::Fault,
                    code: Some("port_in_use".into()),
                    message: "/ip4/127.0.0.1/tcp/18000 is in use".to_owned(),
                    step: Some("end the other program".to_owned()),
                },
            ],
        };
        assert_eq!(
            examined.text(Style::Plain),
            "good     key        only its owner can read the node's key\nFAULT    ports      /ip4/127.0.0.1/tcp/18000 is in use\n                    -> end the other program\n1 fault, no warnings"
        );
        let json = serde_json::to_value(&examined).unwrap();
        assert_eq!(json["checks"][1]["verdict"], "fault");
    }
}
