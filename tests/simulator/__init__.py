"""The client in virtual time: real flows, `run` and `map` against models of service and network.

Everything runs in one thread on an event loop whose clock jumps to the next thing that happens, so
a minute of waiting costs nothing and a seed gives the same story each time. Models of this kind of
test: FoundationDB's simulation and TigerBeetle's VOPR. `tests/faults` does less of the same over
real sockets, and so checks that the models here tell the truth.
"""
