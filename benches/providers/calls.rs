//! CPU time of one call beside the yardstick's, with a hundred under way. Owns the cases, the pairs of rounds, the table.

use std::{net::SocketAddr, sync::Arc};

use mcp_orchestrator_testkit::provider_suite::Voice;
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{
    child::Child,
    measure::Watch,
    median,
    ours::Ours,
    quantile,
    raw::{Answer, Raw, Turn},
    role::Role,
    talk::{PIECES, conversation, said},
};

/// Calls at once.
pub(crate) const UNDER_WAY: u32 = 100;
/// Pairs of rounds, and calls of each in a round.
const ROUNDS: (usize, usize) = (31, 2_000);
/// The same for a run that only has to work.
const QUICK: (usize, usize) = (2, 2_000);

/// A row.
struct Case {
    voice: Voice,
    messages: usize,
    pieces: usize,
    /// In which form each has its answer, ours first.
    forms: [&'static str; 2],
    layered: bool,
}

/// Prints the table, or the rows whose name begins so.
pub(crate) fn print(quick: bool, only: Option<&str>, ours_alone: bool) -> anyhow::Result<()> {
    let (rounds, calls) = if quick { QUICK } else { ROUNDS };
    println!(
        "one call, {UNDER_WAY} at once, beside raw reqwest; medians of {rounds} pairs of rounds of {calls} calls (fewer if answers are long)"
    );
    println!("{:<34} {:>9} {:>8} {:>8} {:>7} {:>15}", "", "request B", "raw us", "ours us", "ratio", "ratios, 10-90 %");
    let runtime = crate::runtime()?;
    let service = Child::start(&Role::Service)?;
    for case in cases() {
        if only.is_none_or(|only| case.name().starts_with(only)) {
            case.print(&runtime, service.address()?, (rounds, calls), ours_alone)?;
        }
    }
    println!(
        "us: CPU time of this process for a call, kernel included, the service's not. An answer of so many pieces comes in"
    );
    println!(
        "as many events, all at once, which is the dearest for who reads. whole: one JSON body instead. layers: governor, breaker."
    );
    service.end()
}

fn cases() -> Vec<Case> {
    let both = ["stream"; 2];
    let case = |voice, messages, pieces| Case { voice, messages, pieces, forms: both, layered: false };
    let [short, long] = PIECES;
    let mut cases = Vec::new();
    for voice in [Voice::Chat, Voice::Responses, Voice::Messages, Voice::Gemini] {
        cases.extend([case(voice, 1, short), case(voice, 60, short), case(voice, 1, long)]);
    }
    for messages in [1, 60] {
        cases.push(Case { forms: ["whole"; 2], ..case(Voice::Chat, messages, short) });
    }
    for messages in [1, 60] {
        cases.push(Case { forms: ["stream", "whole"], ..case(Voice::Chat, messages, short) });
    }
    for messages in [1, 60] {
        cases.push(Case { layered: true, ..case(Voice::Chat, messages, short) });
    }
    cases
}

impl Case {
    /// How it is chosen on the command line: `chat/60/24`.
    fn name(&self) -> String {
        let voice = format!("{:?}", self.voice).to_lowercase();
        let form = match self.forms {
            ["stream", "stream"] => "",
            ["whole", "whole"] => " whole",
            _ => " stream, raw whole",
        };
        let layers = if self.layered { " layers" } else { "" };
        format!("{voice}/{}/{}{form}{layers}", self.messages, self.pieces)
    }

    fn print(
        &self,
        runtime: &Runtime,
        at: SocketAddr,
        (rounds, calls): (usize, usize),
        ours_alone: bool,
    ) -> anyhow::Result<()> {
        let Self { voice, messages, pieces, forms, layered } = *self;
        let conversation = conversation(messages);
        let turns = Turn::all(&conversation);
        let ours = Ours::new(at, forms[0], pieces, voice, conversation)?;
        let ours = Arc::new(if layered { ours.layered() } else { ours });
        // Its first request chooses the process's TLS provider, without which reqwest makes no client.
        runtime.block_on(ours.ask())?;
        let raw = Arc::new(Raw::new(at, forms[1], pieces, voice, turns)?);
        let wanted = said(pieces);
        let wanted = Answer { text: wanted.text.concat(), input: wanted.counts.input, output: wanted.counts.output };
        // Rounds of about the same length, whatever is said in them.
        let calls = calls * PIECES[0] / pieces;
        let (mut of_raw, mut of_ours) = (Vec::new(), Vec::new());
        // The first pair is not counted.
        for round in 0..=rounds {
            let one = |is_raw: bool| {
                if is_raw && !ours_alone {
                    runtime.block_on(measured(&raw, calls, &wanted))
                } else {
                    runtime.block_on(measured(&ours, calls, &wanted))
                }
            };
            let is_raw = round % 2 == 0;
            let pair = (one(is_raw)?, one(!is_raw)?);
            let (raw, ours) = if is_raw { pair } else { (pair.1, pair.0) };
            if round > 0 {
                of_raw.push(raw);
                of_ours.push(ours);
            }
        }
        let mut ratios: Vec<f64> = of_ours.iter().zip(&of_raw).map(|(ours, raw)| ours / raw).collect();
        ratios.sort_by(f64::total_cmp);
        println!(
            "{:<34} {:>9} {:>8.1} {:>8.1} {:>7.2} {:>15}",
            self.name(),
            raw.request_bytes()?,
            median(of_raw),
            median(of_ours),
            quantile(&ratios, 0.5),
            format!("{:.2}-{:.2}", quantile(&ratios, 0.1), quantile(&ratios, 0.9)),
        );
        Ok(())
    }
}

/// Makes the call that is measured.
pub(crate) trait Asks: Send + Sync + 'static {
    /// Asks once and reads the answer to its end.
    fn ask(&self) -> impl Future<Output = anyhow::Result<Answer>> + Send;
}

/// CPU time of one call in microseconds, of so many by tasks that each make one after the other.
async fn measured(asks: &Arc<impl Asks>, calls: usize, wanted: &Answer) -> anyhow::Result<f64> {
    let watch = Watch::start();
    let mut asking = JoinSet::new();
    for _ in 0..UNDER_WAY {
        let asks = Arc::clone(asks);
        asking.spawn(async move {
            let mut last = Answer::default();
            for _ in 0..calls / UNDER_WAY as usize {
                last = asks.ask().await?;
            }
            anyhow::Ok(last)
        });
    }
    while let Some(ended) = asking.join_next().await {
        let answer = ended??;
        anyhow::ensure!(answer == *wanted, "{answer:?} is not {wanted:?}");
    }
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let calls = calls as f64;
    Ok(watch.stop().cpu_us / calls)
}
