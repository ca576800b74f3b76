//! The table of statuses, pair by pair.

use mcp_orchestrator_domain::Status;

#[test]
fn every_pair_of_statuses_is_legal_or_not_as_written_here() {
    use Status::{Cancelled, Completed, Failed, Queued, Running, Waiting};
    let legal = [
        (Queued, Running),
        (Queued, Waiting),
        (Queued, Failed),
        (Queued, Cancelled),
        (Running, Waiting),
        (Running, Completed),
        (Running, Failed),
        (Running, Cancelled),
        (Waiting, Queued),
        (Waiting, Running),
        (Waiting, Failed),
        (Waiting, Cancelled),
    ];
    for from in Status::ALL {
        for to in Status::ALL {
            assert_eq!(from.may_become(to), legal.contains(&(from, to)), "{from} to {to}");
        }
        assert_eq!(from.is_terminal(), [Completed, Failed, Cancelled].contains(&from));
        assert_eq!(from.as_str().parse::<Status>().unwrap(), from);
    }
}
