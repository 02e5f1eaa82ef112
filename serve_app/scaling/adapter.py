"""The policy as Ray Serve's custom autoscaling policy: what Serve knows becomes an observation.

Named in ``autoscaling_config.policy.policy_function``. Replicas report their load through ``record_autoscaling_stats``
(:class:`deployments.serving.load.Load`); a deployment that reports none (the gateway, which only waits for others) is measured
by its requests in progress, of which one replica should have ``ongoing`` in hand.
"""

from __future__ import annotations

from typing import Any

from ray.serve.config import AutoscalingContext

from serve_app.scaling.policy import Memory, Observation, Rule, decide

MEMORY = "masquerade_memory"


class QueueTimePolicy:
    """One deployment's policy. ``rule`` takes the fields of :class:`Rule` but the range, which Serve knows."""

    def __init__(self, ongoing: float = 1.0, **rule: float) -> None:
        self._ongoing = ongoing
        self._rule = rule
        Rule(0, 1, **rule)

    def __call__(self, context: AutoscalingContext) -> tuple[int, dict[str, Any]]:
        """Serve's protocol: the number of replicas wanted, and the state to come back with."""
        rule = Rule(context.capacity_adjusted_min_replicas, context.capacity_adjusted_max_replicas, **self._rule)
        decision = decide(rule, self._observe(context), context.policy_state.get(MEMORY, Memory()))
        return decision.replicas, {MEMORY: decision.memory}

    def _observe(self, context: AutoscalingContext) -> Observation:
        queued = context.total_queued_requests or 0.0
        busy, waiting, service_s = (_latest(context, name) for name in ("busy", "waiting", "service_s"))
        measured = [value for value in service_s if value > 0]
        return Observation(
            now=context.current_time or 0.0,
            replicas=context.target_num_replicas,
            busy=sum(busy) if busy else context.total_running_requests / self._ongoing,
            waiting=queued + sum(waiting),
            service_s=sum(measured) / len(measured) if measured else None,
        )


def _latest(context: AutoscalingContext, name: str) -> list[float]:
    """The newest value of a statistic of every running replica that has reported it."""
    series = (context.raw_metrics or {}).get(name, {})
    return [points[-1].value for replica in context.running_replicas if (points := series.get(replica))]
