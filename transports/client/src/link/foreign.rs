//! Refusals that may not be the server's own: a proxy, a gateway or a captive portal answers in between.

use strongroom_wire::{Problem, ProblemCode};

/// The problem document of a refusal; one made from the status where the body is none. Codes that nobody here knows
/// stay as they are.
pub(super) fn read_problem(status: u16, retry_after_s: Option<u64>, body: &[u8]) -> Problem {
    let mut problem = serde_json::from_slice(body).unwrap_or_else(|_| Problem {
        code: ProblemCode(format!("http-{status}").into()),
        detail: Some(
            "the answer is not the server's own: is there a proxy in between, and is the URL right?"
                .to_owned(),
        ),
        ..Problem::new(status, "http", format!("refused with HTTP status {status}"))
    });
    problem.status = status;
    problem.retry_after_s = problem.retry_after_s.or(retry_after_s.map(|seconds| seconds as f64));
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_keeps_a_code_that_nobody_here_knows() {
        let body = br#"{"type":"urn:x","title":"t","status":499,"code":"of-tomorrow","extra":[1]}"#;
        let problem = read_problem(409, Some(7), body);
        assert_eq!((problem.code.as_str(), problem.status), ("of-tomorrow", 409));
        assert_eq!(problem.retry_after_s, Some(7.0));
    }

    #[test]
    fn what_is_no_problem_document_becomes_one_without_repeating_it() {
        for body in [&b""[..], b"<html>canary</html>", b"{}", b"[1]"] {
            let problem = read_problem(502, None, body);
            assert_eq!(problem.code.as_str(), "http-502");
            assert!(!problem.to_string().contains("canary"));
        }
    }
}
