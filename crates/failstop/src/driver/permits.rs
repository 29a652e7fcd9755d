//! Permits: the brakes where there are any, every rate limit, then a slot. Nothing is held while waiting.

use std::pin::pin;

use execution_orchestration_core::{
    model::WaitReason,
    orchestrator::{Input, PermitRefusal, Phase},
    time::Timestamp,
};

use super::Drive;
use crate::{
    engine::House,
    limits::{Applicant, Pass, Slot},
    request::Request,
};

impl<'a> Drive<'a> {
    /// Gets the permits at once, if nothing has to be waited for.
    pub(super) fn try_permits(&mut self) -> bool {
        if self.house.brakes().is_some() {
            return false;
        }
        let permits = try_permits(self.house, self.request, self.now, self.slot.is_some());
        if let Some(slot) = permits {
            self.take_permits(slot, None);
            return true;
        }
        false
    }

    pub(super) async fn wait_for_permits(&mut self) {
        if self.house.brakes().is_some() {
            return Box::pin(self.wait_for_pass()).await;
        }
        let permits = pin!(get_permits(self.house, self.request, self.slot.is_some()));
        match self.wait_for(permits).await {
            Some(Ok((slot, waited_for))) => self.take_permits(slot, waited_for),
            Some(Err(refusal)) => self.handle(Input::NotGranted(refusal)),
            None => {}
        }
    }

    /// Waits for the permits and a pass of the brakes.
    async fn wait_for_pass(&mut self) {
        let permits = pin!(get_pass(self.house, self.request, self.slot.is_some(), self.applicant()));
        match self.wait_for(permits).await {
            Some(Ok((pass, slot, waited_for))) => {
                self.pass = pass.map(Box::new);
                self.take_permits(slot, waited_for);
                // Where time or caller came between, whatever it was let through for does not happen.
                if !matches!(self.machine.phase(), Phase::Starting { .. }) {
                    self.pass = None;
                }
            }
            Some(Err(refusal)) => self.handle(Input::NotGranted(refusal)),
            None => {}
        }
    }

    fn applicant(&self) -> Applicant<'a> {
        Applicant {
            action: self.request.decision.action,
            executor: self.machine.plan().executor(),
            is_retry: matches!(self.machine.phase(), Phase::Acquiring { attempt: 1.. }),
            has_tried: !self.machine.attempts().is_empty(),
            latest_start: self.machine.latest_start(),
        }
    }

    /// Tells the brakes how the attempt ended.
    pub(super) fn end_pass(&mut self) {
        if let Some(pass) = self.pass.take() {
            pass.end(self.now, self.machine.last_error());
        }
    }

    fn take_permits(&mut self, slot: Option<Slot<'a>>, waited_for: Option<WaitReason>) {
        if slot.is_some() {
            self.slot = slot;
        }
        // Permits and a cancel may have come at once, and no start follows a cancel. (The start step sees to the gate.)
        self.look_at_cancellation();
        self.handle(Input::Granted(waited_for));
    }
}

/// The permits, if nothing has to be waited for: `Some(None)` where the slot is kept or there are none.
#[allow(clippy::option_option)] // the outer one is whether, the inner one what
fn try_permits<'a>(
    house: House<'a>,
    request: &Request<'_>,
    now: Timestamp,
    has_slot: bool,
) -> Option<Option<Slot<'a>>> {
    // The slot first: it can be given back, which a rate permit cannot.
    let slot = match house.rooms.slots.as_ref().filter(|_| !has_slot) {
        Some(slots) => Some(slots.try_acquire()?),
        None => None,
    };
    house.rate.as_ref().is_none_or(|rate| rate.try_acquire(now, request.decision.action)).then_some(slot)
}

/// The permits, and what the brakes let an attempt through with: asked first, lest what is refused takes a permit, and
/// last, lest something starts that was let through long ago.
async fn get_pass<'a>(
    house: House<'a>,
    request: &Request<'_>,
    has_slot: bool,
    applicant: Applicant<'a>,
) -> Result<(Option<Pass<'a>>, Option<Slot<'a>>, Option<WaitReason>), PermitRefusal> {
    let pass = house.brakes().map(|brakes| brakes.pass(house.clock.now(), applicant));
    let mut pass = pass.transpose()?;
    let mut waited_for = None;
    loop {
        if let Some(pass) = &pass
            && pass.clear_way(&house.clock).await?
        {
            waited_for = Some(WaitReason::RateLimit);
        }
        let (slot, reason) = get_permits(house, request, has_slot).await?;
        waited_for = waited_for.or(reason);
        if pass.as_mut().is_none_or(|pass| pass.admit(house.clock.now())) {
            return Ok((pass, slot, waited_for));
        }
    }
}

/// Passes every rate limit, then gets a slot unless one is kept.
async fn get_permits<'a>(
    house: House<'a>,
    request: &Request<'_>,
    has_slot: bool,
) -> Result<(Option<Slot<'a>>, Option<WaitReason>), PermitRefusal> {
    let action = request.decision.action;
    let mut waited_for = None;
    if let Some(rate) = &house.rate
        && !rate.try_acquire(house.clock.now(), action)
    {
        rate.acquire(&house.clock, action).await.map_err(|_| PermitRefusal::RateLimited)?;
        waited_for = Some(WaitReason::RateLimit);
    }
    let Some(slots) = house.rooms.slots.as_ref().filter(|_| !has_slot) else { return Ok((None, waited_for)) };
    if let Some(slot) = slots.try_acquire() {
        return Ok((Some(slot), waited_for));
    }
    let slot = slots.acquire().await.map_err(|_| PermitRefusal::ExecutorStuck)?;
    Ok((Some(slot), waited_for.or(Some(WaitReason::Concurrency))))
}
