//! The life of one instance as a state machine: events in, actions out. It performs nothing and reads no clock.

use std::collections::VecDeque;

use agent_api::{Exit, RestartPolicy};

use crate::record::RunState;

/// The longest wait between two starts. Beyond it a longer wait only delays the failure's report.
const BACKOFF_MS_MAX: u64 = 60_000;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// The sandbox is made and the program runs.
    Running,
    /// The sandbox could not be made, or the program could not be started in it.
    SetUpFailed(String),
    /// The program, or the process that was to become it, ended.
    Ended(Exit),
    /// The wait before a restart is over.
    BackoffOver,
    /// Somebody wants the instance to stop.
    StopAsked,
    /// The grace after the stop signal is over.
    GraceOver,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Make the sandbox and start the program.
    Launch,
    /// Report [`Event::BackoffOver`] after so many milliseconds.
    WaitToRestart(u64),
    /// Send the stop signal, and report [`Event::GraceOver`] after the grace.
    SignalStop,
    /// Kill all that runs.
    Kill,
    /// Nothing more will happen.
    Finish,
}

/// Where an instance stands, and what it has gone through.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    policy: RestartPolicy,
    state: RunState,
    restarts: u32,
    /// When it was restarted within the window, oldest first.
    recent_ms: VecDeque<u64>,
    reason: Option<String>,
}

impl Lifecycle {
    /// An instance whose first launch is under way.
    pub(crate) fn new(policy: RestartPolicy) -> Self {
        Self { policy, state: RunState::Starting, restarts: 0, recent_ms: VecDeque::new(), reason: None }
    }

    pub(crate) fn state(&self) -> RunState {
        self.state
    }

    pub(crate) fn restarts(&self) -> u32 {
        self.restarts
    }

    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Takes one event; `now_ms` is any clock that does not go back.
    pub(crate) fn on(&mut self, event: Event, now_ms: u64) -> Option<Action> {
        let (state, action) = match (self.state, event) {
            (RunState::Starting, Event::Running) => (RunState::Running, None),
            (RunState::Starting, Event::SetUpFailed(reason)) => {
                self.reason = Some(reason);
                (RunState::Failed, Some(Action::Finish))
            }
            (RunState::Starting | RunState::Running, Event::Ended(exit)) => self.after_end(&exit, now_ms),
            (RunState::BackingOff, Event::BackoffOver) => {
                self.restarts = self.restarts.saturating_add(1);
                self.recent_ms.push_back(now_ms);
                (RunState::Starting, Some(Action::Launch))
            }
            (RunState::Starting, Event::StopAsked) => (RunState::Stopping, Some(Action::Kill)),
            (RunState::Running, Event::StopAsked) => (RunState::Stopping, Some(Action::SignalStop)),
            (RunState::BackingOff, Event::StopAsked) | (RunState::Stopping, Event::Ended(_)) => {
                (RunState::Exited, Some(Action::Finish))
            }
            (RunState::Stopping, Event::GraceOver) => (RunState::Stopping, Some(Action::Kill)),
            // Late news changes nothing: a second wish to stop, an exec that ended while stopping, a timer of before.
            (
                state @ (RunState::Starting
                | RunState::Running
                | RunState::BackingOff
                | RunState::Stopping
                | RunState::Exited
                | RunState::Failed),
                _,
            ) => (state, None),
        };
        self.state = state;
        action
    }

    fn after_end(&mut self, exit: &Exit, now_ms: u64) -> (RunState, Option<Action>) {
        if self.policy.success_is_final && exit.code == Some(0) {
            return (RunState::Exited, Some(Action::Finish));
        }
        let window_start = now_ms.saturating_sub(self.policy.window_ms);
        while self.recent_ms.front().is_some_and(|at| *at < window_start) {
            self.recent_ms.pop_front();
        }
        let within = u32::try_from(self.recent_ms.len()).unwrap_or(u32::MAX);
        if within >= self.policy.attempts {
            self.reason = Some(spent(exit, within, self.policy.window_ms));
            return (RunState::Failed, Some(Action::Finish));
        }
        let wait = self.policy.backoff_ms.saturating_mul(1u64.checked_shl(within).unwrap_or(u64::MAX));
        (RunState::BackingOff, Some(Action::WaitToRestart(wait.min(BACKOFF_MS_MAX))))
    }
}

fn spent(exit: &Exit, restarts: u32, window_ms: u64) -> String {
    match restarts {
        0 => format!("{exit}; its restart policy allows no restart"),
        1 => format!("{exit}, after 1 restart within {} s", window_ms / 1000),
        _ => format!("{exit}, after {restarts} restarts within {} s", window_ms / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(code: i32) -> Event {
        Event::Ended(Exit { code: Some(code), signal: None, out_of_memory: false, at_ms: 0 })
    }

    fn policy(attempts: u32) -> RestartPolicy {
        RestartPolicy { attempts, window_ms: 300_000, backoff_ms: 1_000, success_is_final: false }
    }

    #[test]
    fn waits_double_until_the_policy_is_spent() {
        let mut life = Lifecycle::new(policy(3));
        for (now_ms, wait) in [(0, 1_000), (10_000, 2_000), (20_000, 4_000)] {
            assert_eq!(life.on(Event::Running, now_ms), None);
            assert_eq!(life.on(exit(3), now_ms), Some(Action::WaitToRestart(wait)));
            assert_eq!(life.on(Event::BackoffOver, now_ms + wait), Some(Action::Launch));
        }
        life.on(Event::Running, 30_000);
        assert_eq!(life.on(exit(3), 30_000), Some(Action::Finish));
        assert_eq!(life.state(), RunState::Failed);
        assert_eq!(life.reason(), Some("exited with code 3, after 3 restarts within 300 s"));
        assert_eq!(life.restarts(), 3);
    }

    #[test]
    fn restarts_outside_the_window_are_forgotten() {
        let mut life = Lifecycle::new(policy(1));
        life.on(Event::Running, 0);
        life.on(exit(1), 0);
        life.on(Event::BackoffOver, 1_000);
        life.on(Event::Running, 1_000);
        assert_eq!(life.on(exit(1), 400_000), Some(Action::WaitToRestart(1_000)));
    }

    #[test]
    fn a_stop_ends_every_state_as_exited() {
        let mut running = Lifecycle::new(policy(3));
        running.on(Event::Running, 0);
        assert_eq!(running.on(Event::StopAsked, 1), Some(Action::SignalStop));
        assert_eq!(running.on(Event::StopAsked, 2), None);
        assert_eq!(running.on(Event::GraceOver, 3), Some(Action::Kill));
        assert_eq!(running.on(exit(0), 4), Some(Action::Finish));
        assert_eq!(running.state(), RunState::Exited);

        let mut starting = Lifecycle::new(policy(3));
        assert_eq!(starting.on(Event::StopAsked, 0), Some(Action::Kill));
        assert_eq!(starting.on(Event::SetUpFailed("late".into()), 1), None);
        assert_eq!(starting.on(exit(127), 1), Some(Action::Finish));

        let mut waiting = Lifecycle::new(policy(3));
        waiting.on(Event::Running, 0);
        waiting.on(exit(1), 0);
        assert_eq!(waiting.on(Event::StopAsked, 0), Some(Action::Finish));
        assert_eq!(waiting.state(), RunState::Exited);
    }

    #[test]
    fn a_task_that_succeeded_is_over_and_one_that_failed_is_tried_again() {
        let mut life = Lifecycle::new(RestartPolicy { success_is_final: true, ..policy(1) });
        life.on(Event::Running, 0);
        assert_eq!(life.on(exit(1), 0), Some(Action::WaitToRestart(1_000)));
        life.on(Event::BackoffOver, 1_000);
        life.on(Event::Running, 1_000);
        assert_eq!(life.on(exit(0), 2_000), Some(Action::Finish));
        assert_eq!(life.state(), RunState::Exited);
    }
}
