//! The question before a request: is erasure what the person wants, or no more mail?

use std::io::{self, BufRead, IsTerminal};

use crate::cli::output::say;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Erase,
    OptOut,
    Cancel,
}

/// Whether somebody sits there who can be asked.
pub(super) fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks until there is an answer. An end of the input cancels.
pub(super) fn ask(input: &mut impl BufRead) -> io::Result<Answer> {
    say(
        "Erasure destroys what is shown above, its history and its proofs, for good. Who only wants \
         no more mail needs an opt-out.",
    );
    loop {
        say("[e]rase, [o]pt out of everything instead, [c]ancel?");
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(Answer::Cancel);
        }
        if let Some(answer) = understood(&line) {
            return Ok(answer);
        }
    }
}

/// An empty line is no answer: nobody erases by leaning on a key.
fn understood(line: &str) -> Option<Answer> {
    match line.trim().to_lowercase().as_str() {
        "e" | "erase" => Some(Answer::Erase),
        "o" | "opt out" | "opt-out" => Some(Answer::OptOut),
        "c" | "cancel" => Some(Answer::Cancel),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn answers(lines: &str, expect: Answer) {
        assert_eq!(ask(&mut lines.as_bytes()).unwrap(), expect);
    }

    #[test]
    fn only_a_clear_answer_erases() {
        answers("e\n", Answer::Erase);
        answers(" Erase \n", Answer::Erase);
        answers("o\n", Answer::OptOut);
        answers("opt-out\n", Answer::OptOut);
        answers("c\n", Answer::Cancel);
        answers("\nyes\nerr\ncancel\n", Answer::Cancel);
        answers("\n\n", Answer::Cancel);
        answers("", Answer::Cancel);
    }
}
