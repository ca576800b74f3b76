//! What is done to the servers, and when. Owns the kinds of trouble; each is over before the run comes to rest.

use std::{collections::BTreeMap, time::Duration};

use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::{backing::Backing, replica::Replica};
use crate::Luck;

/// Makes trouble until a moment, then lets every server run undisturbed. How often each kind was made.
pub(super) async fn make(
    luck: Luck,
    replicas: &[Replica],
    backing: &Backing,
    until: Instant,
) -> Result<BTreeMap<&'static str, usize>, String> {
    let mut made = BTreeMap::new();
    let mut stopped: Vec<(usize, Instant)> = Vec::new();
    for event in 0_u64.. {
        sleep(luck.millis(200, 1_500, ("next", event))).await;
        wake(replicas, &mut stopped, Instant::now());
        if Instant::now() >= until {
            break;
        }
        if luck.happens(30, ("the store", event))
            && let Some(kind) = tokio::task::block_in_place(|| backing.trouble(luck, event))
        {
            replicas[0].home.note(&format!("{kind}: over"));
            *made.entry(kind).or_default() += 1;
            continue;
        }
        let number = usize::try_from(luck.below(replicas.len() as u64, ("whom", event))).unwrap_or_default();
        let replica = &replicas[number];
        let kind = match luck.below(100, ("what", event)) {
            0..45 => {
                replica.home.note(&format!("kill -9 of {number}"));
                replica.kill();
                stopped.retain(|(other, _)| *other != number);
                sleep(luck.millis(0, 800, ("away", event))).await;
                replica.start().await?;
                "kill -9"
            }
            45..65 if stopped.iter().all(|(other, _)| *other != number) && stopped.len() + 1 < replicas.len() => {
                replica.signal(Signal::STOP);
                // Some outlive their leases.
                stopped.push((number, Instant::now() + luck.millis(500, 20_000, ("stands still", event))));
                "stopped and continued"
            }
            65..75 if stopped.iter().all(|(other, _)| *other != number) => {
                replica.stop().await;
                replica.start().await?;
                "shut down and restarted"
            }
            75..85 => {
                replica.proxy.cut();
                "connections cut"
            }
            85..95 => {
                replica.proxy.stall();
                sleep(luck.millis(200, 3_000, ("stalls", event))).await;
                replica.proxy.mend();
                "connections stalled"
            }
            _ => {
                replica.proxy.delay(luck.millis(50, 400, ("delays", event)));
                sleep(Duration::from_secs(1)).await;
                replica.proxy.mend();
                "answers delayed"
            }
        };
        replica.home.note(&format!("{kind} of {number}: over"));
        *made.entry(kind).or_default() += 1;
    }
    for (number, _) in stopped {
        replicas[number].signal(Signal::CONT);
    }
    for replica in replicas {
        replica.proxy.mend();
        replica.start().await?;
    }
    Ok(made)
}

/// Lets those go on whose time has come.
fn wake(replicas: &[Replica], stopped: &mut Vec<(usize, Instant)>, now: Instant) {
    stopped.retain(|(number, until)| {
        if *until <= now {
            replicas[*number].signal(Signal::CONT);
        }
        *until > now
    });
}
