"""`AsyncTransloadit`: what people call and await."""

from attrs import define

from ._async_calls import AsyncCalls


@define(init=False, eq=False, repr=False)
class AsyncTransloadit(AsyncCalls):
    """`Transloadit` for asynchronous code: the same methods, awaited."""
