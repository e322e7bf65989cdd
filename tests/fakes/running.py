"""The server on a real socket, in the loop of a test."""

from __future__ import annotations

import asyncio
import signal

from viper.serve import ServerSettings
from viper.serve.app import create_app
from viper.serve.server import Server, listen
from viper.serve.service import Service


class Running:
    """A server in this loop, and connections to it."""

    def __init__(self, engine, **options):
        self.settings = ServerSettings(port=0, **options)
        self.service = Service(engine, self.settings)
        self.listening = listen(self.settings)
        self.port = self.listening.getsockname()[1]

    async def __aenter__(self):
        app = create_app(self.service, sandbox="full")
        ready = asyncio.Event()
        self.server = Server(
            app, self.settings, self.service.admission, ready.set, self.service.connections
        )
        self.task = asyncio.ensure_future(self.server.serve(sockets=[self.listening]))
        await ready.wait()
        return self

    async def __aexit__(self, *error):
        if not self.server.should_exit:
            self.server.handle_exit(signal.SIGTERM, None)
        self.server.handle_exit(signal.SIGTERM, None)
        await asyncio.wait_for(self.task, 20)
        self.service.close()

    async def send(self, data=b"", address="127.0.0.1"):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(address, 0)
        )
        writer.write(data)
        return reader, writer

    async def exchange(self, data):
        reader, writer = await self.send(data)
        reply = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return reply


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 30))
