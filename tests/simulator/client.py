"""The real asynchronous client over the modelled network: what sends and what waits differ."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx

from transloadit_client import AsyncTransloadit, RetryPolicy
from transloadit_client._client.async_driver import AsyncDriver
from transloadit_client._flow import InThread, Listen, Once, Outcome, Send, Step
from transloadit_client._retry.attempts import attempts
from transloadit_client._retry.clock import Clock
from transloadit_client._retry.policy import ONCE, World

from .network import Network
from .service import EPOCH

MOST_STEPS = 60
"""Steps of one flow between which no time passes: more are taken for a loop without end."""

_HTTP = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(500)))


class Stuck(Exception):
    """A flow goes on and on, and no time passes."""


class SimulatedTransloadit(AsyncTransloadit):
    """An `AsyncTransloadit` in virtual time.

    Args:
        network: what carries its requests.
        jitter: draws what it draws.
        skew: seconds by which its machine's clock is ahead.
        options: of `AsyncTransloadit`.
    """

    def __init__(
        self, network: Network, jitter: Callable[[float], float], skew: float, **options: Any
    ) -> None:
        super().__init__(**options)
        self.network, self._jitter = network, jitter
        now = network.loop.time
        self._clock = Clock(lambda: EPOCH + timedelta(seconds=now() + skew))

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        return _HTTP  # a listener is made over it, and never asked

    def _world(self, policy: RetryPolicy | None = None) -> World:
        return World(
            policy or self._retry,
            self.network.loop.time,
            self._jitter,
            self._budget,
            self._clock.correct,
        )

    def _driver(self, timeout: Any, *how: Any, **also: Any) -> AsyncDriver:
        return VirtualDriver(self, None, *how, **also)


class VirtualDriver(AsyncDriver):
    """The third driver: it sends into the model, and waits in virtual time."""

    _client: SimulatedTransloadit
    _longest: float | None = None
    _seen = -1.0
    _steps = 0

    async def _do(self, step: Step) -> Any:
        now = asyncio.get_running_loop().time()
        self._steps = self._steps + 1 if now == self._seen else 0
        self._seen = now
        if self._steps > MOST_STEPS:
            raise Stuck(f"{self._steps} steps and no time passed; the last is {step!r:.100}")
        match step:
            case Listen():
                return await self._client.network.listen(step)
            case InThread():
                return await step.do() if step.is_awaited else step.do()
        return await super()._do(step)

    async def _once(self, step: Once) -> Any:
        driver = VirtualDriver(self._client, None, self._sleep)
        driver._longest = step.longest
        return await driver.run(attempts(step.call, self._client._world(ONCE)))

    async def _send(self, send: Send) -> Outcome:
        return await self._client.network.exchange(send, self._longest)
