"""The byte streams under every client: opened, counted, and as far from the peer as the network between them is.

A ``Wire`` is the network between this process and one peer. Its knobs are the network's: how long bytes travel, how
often a connection is reset half-way, whether the peer's port is open. Late bytes wait in the protocol, before anybody
reads them, so that a caller waits just where it waits for a slow network: in its read.
"""

from __future__ import annotations

import asyncio
import errno
import os
import random
import socket
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakSet

import httpcore
import redis.asyncio

from chassis import deadlines, semconv
from chassis.telemetry import Telemetry

READ_LIMIT = 2**16
MAX_DELAY_S = 30.0


class Wire:
    """Opens streams to ``peer`` and counts their bytes. For one event loop."""

    def __init__(self, peer: str, telemetry: Telemetry) -> None:
        self.peer, self._telemetry = peer, telemetry
        self._streams: WeakSet[Stream] = WeakSet()
        self._closed_port: socket.socket | None = None
        add = telemetry.knobs.register
        name = f"wire.{peer}"
        self.delay = add(f"{name}.delay", 0.0, f"Seconds that {peer}'s answers travel.", minimum=0, maximum=MAX_DELAY_S)
        self.jitter = add(
            f"{name}.jitter",
            0.0,
            f"Seconds by which {peer}'s answers may travel longer.",
            minimum=0,
            maximum=MAX_DELAY_S,
        )
        self.reset = add(
            f"{name}.reset",
            0.0,
            f"Share of {peer}'s answers after half of which the connection is reset.",
            minimum=0,
            maximum=1,
        )
        self.open_port = add(
            f"{name}.open",
            True,
            f"Off: {peer}'s port refuses connections, and those open are cut.",
            on_change=self._opened_or_closed,
        )
        for metric in (semconv.CLIENT_CONNECTIONS, semconv.CLIENT_RECEIVED, semconv.CLIENT_SENT):
            telemetry.count(metric, 0, peer=peer)

    async def open(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A stream to the peer. Raises OSError."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(READ_LIMIT, loop)
        stream = Stream(self, reader, loop)
        await loop.create_connection(lambda: stream, *self._address(host, port))
        self._telemetry.count(semconv.CLIENT_CONNECTIONS, peer=self.peer)
        self._telemetry.current_span().add_event("connection opened")
        self._streams.add(stream)
        return reader, asyncio.StreamWriter(stream.transport, stream, reader, loop)

    def received(self, size: int) -> None:
        self._telemetry.count(semconv.CLIENT_RECEIVED, size, peer=self.peer)

    def sent(self, size: int) -> None:
        self._telemetry.count(semconv.CLIENT_SENT, size, peer=self.peer)

    def _address(self, host: str, port: int) -> tuple[str, int]:
        return (host, port) if self._closed_port is None else self._closed_port.getsockname()

    def _opened_or_closed(self, is_open: bool) -> None:
        if is_open:
            closed, self._closed_port = self._closed_port, None
            if closed is not None:
                closed.close()
            return
        # Bound and not listening: whoever connects there is refused by the kernel itself.
        self._closed_port = socket.socket()
        self._closed_port.bind(("127.0.0.1", 0))
        for stream in list(self._streams):
            stream.cut()


class Stream(asyncio.StreamReaderProtocol):
    """One connection: hands on what arrives, in order, when it has travelled long enough."""

    transport: asyncio.Transport

    def __init__(self, wire: Wire, reader: asyncio.StreamReader, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(reader, loop=loop)
        self._wire, self._reader, self._running = wire, reader, loop
        self._travels, self._halved = 0.0, False
        self._on_its_way, self._last_due = 0, 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        super().connection_made(transport)

    def asked(self, size: int) -> None:
        """A request leaves: what becomes of its answer is settled now, while it is known whose request it is."""
        wire = self._wire
        wire.sent(size)
        self._travels = wire.delay.value + random.random() * wire.jitter.value
        self._halved = random.random() < wire.reset.value

    def data_received(self, data: bytes) -> None:
        self._wire.received(len(data))
        if self._halved:
            self._break_off(data)
        elif self._travels or self._on_its_way:
            self._later(super().data_received, data)
        else:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        if self._on_its_way:
            self._later(super().eof_received)
            return True
        return super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        if self._on_its_way:
            self._later(super().connection_lost, error)
        else:
            super().connection_lost(error)

    def cut(self) -> None:
        """Drop the connection; from any thread."""
        self._running.call_soon_threadsafe(self._drop)

    def _drop(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()

    def _break_off(self, data: bytes) -> None:
        self._halved = False
        super().data_received(data[: len(data) // 2])
        self._reader.set_exception(ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)))
        self._drop()

    def _later(self, deliver: Callable[..., object], *parts: Any) -> None:
        due = max(self._running.time() + self._travels, self._last_due)
        self._last_due = due
        self._on_its_way += 1
        self._running.call_at(due, self._arrive, deliver, parts)

    def _arrive(self, deliver: Callable[..., object], parts: tuple[Any, ...]) -> None:
        self._on_its_way -= 1
        deliver(*parts)


class HttpStream(httpcore.AsyncNetworkStream):
    """A wire's stream as httpcore reads and writes it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, protocol: Stream) -> None:
        self._reader, self._writer, self._protocol = reader, writer, protocol

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        try:
            async with asyncio.timeout(_until_deadline(timeout)):
                return await self._reader.read(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        if not buffer:
            return
        try:
            self._protocol.asked(len(buffer))
            self._writer.write(buffer)
            async with asyncio.timeout(_until_deadline(timeout)):
                await self._writer.drain()
        except TimeoutError as error:
            raise httpcore.WriteTimeout from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        self._writer.close()

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks: addresses, the socket, and whether an idle connection has anything to read (it ended)."""
        names = {"client_addr": "sockname", "server_addr": "peername", "socket": "socket"}
        if info == "is_readable":
            return self._reader.at_eof() or self._writer.is_closing() or self._reader.exception() is not None
        return self._writer.get_extra_info(names[info]) if info in names else None


def _until_deadline(timeout: float | None) -> float | None:
    """What the deadline leaves of one step's ``timeout``, so that a body that trickles in is late as a whole."""
    left = deadlines.remaining()
    if left is None:
        return timeout
    return max(0.0, left if timeout is None else min(left, timeout))


class HttpNetwork(httpcore.AsyncNetworkBackend):
    """What an httpcore connection pool opens its streams with."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                reader, writer = await self._wire.open(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        protocol = writer.transport.get_protocol()
        assert isinstance(protocol, Stream)
        return HttpStream(reader, writer, protocol)


class RedisConnection(redis.asyncio.Connection):
    """redis-py's connection over a wire's streams."""

    def __init__(self, *, wire: Wire, **options: Any) -> None:
        super().__init__(**options)
        self._wire = wire

    async def _connect(self) -> None:
        async with asyncio.timeout(self.socket_connect_timeout):
            self._reader, self._writer = await self._wire.open(self.host, self.port)

    async def _send_packed_command(self, command: Iterable[bytes]) -> None:
        assert self._writer is not None
        protocol = self._writer.transport.get_protocol()
        assert isinstance(protocol, Stream)
        packed = command if isinstance(command, bytes) else b"".join(command)
        protocol.asked(len(packed))
        self._writer.write(packed)
        await self._writer.drain()
