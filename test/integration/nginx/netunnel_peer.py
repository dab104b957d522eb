"""JWThenticator's own clients and NETunnel with its plugin, against gatelodge; prints what came of it as one JSON object."""
import asyncio
import json
import os
import ssl
import sys

# The packages make a database when they are imported, whoever asks for no more than their client.
os.environ["DB_URI"] = "sqlite://"
os.environ["ASYNC_URI"] = "sqlite+aiosqlite://"

import jwt
from jwthenticator.client import Client, InternalClient
from jwthenticator.exceptions import AuthenticationError
from netunnel.client import NETunnelClient
from netunnel.common.exceptions import NETunnelError
from netunnel_jwthenticator import JWThenticatorAuthClient
from uuid import UUID, uuid4

origin, internal, target_port = sys.argv[1], sys.argv[2], int(sys.argv[3])
KEY = "the key of a peer"
told = {}


async def clients() -> None:
    registry = InternalClient(internal, uuid4())
    told["registered before"] = await registry.is_key_registered(KEY)
    await registry.register_key(KEY)
    told["registered after"] = await registry.is_key_registered(KEY)

    version = origin + "/netunnel/version"
    client = Client(origin + "/jwthenticator", UUID(int=0), key=KEY, verify_ssl=False)
    told["with a key"] = (await client.get_with_auth(version)).status
    claims = jwt.decode(client.jwt, options={"verify_signature": False})
    told["identifier"] = claims["identifier"]
    keys = jwt.PyJWKClient(origin + "/jwthenticator/jwks", ssl_context=insecure())
    key = keys.get_signing_key_from_jwt(client.jwt).key
    told["verified"] = jwt.decode(client.jwt, key, algorithms=["RS256"]) == claims

    # On 401 it gets a new JWT for its refresh token, and only there.
    renewing = Client(origin + "/jwthenticator", uuid4(), refresh_token=client.refresh_token, verify_ssl=False)
    renewing.jwt = client.jwt[:-8] + "AAAAAAAA"
    told["renewed"] = (await renewing.get_with_auth(version)).status

    stranger = Client(origin + "/jwthenticator", uuid4(), key="a guess", verify_ssl=False)
    try:
        await stranger.authenticate()
    except AuthenticationError:
        told["a guess"] = "refused, and forgotten" if stranger._key is None else "refused"


async def tunnel() -> None:
    plugin = JWThenticatorAuthClient(key=KEY)
    async with NETunnelClient(origin + "/netunnel", auth_client=plugin, ssl=insecure()) as client:
        opened = await client.open_tunnel_to_server(remote_address="127.0.0.1", remote_port=target_port)
        reader, writer = await asyncio.open_connection(*opened.get_local_socket())
        writer.write(b"GET /through HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        told["through the tunnel"] = (await asyncio.wait_for(reader.readline(), 20)).decode().strip()
        writer.close()
        # NETunnel opens a connection for the next caller at once, and ends the whole program where that comes after the end.
        await asyncio.wait_for(opened.wait_new_websocket(), 20)
    dumped = plugin.dump_object()
    again = JWThenticatorAuthClient(**dumped)
    async with NETunnelClient(origin + "/netunnel", auth_client=again, ssl=insecure()):
        told["with a refresh token"] = "connected"
    try:
        async with NETunnelClient(origin + "/netunnel", auth_client=JWThenticatorAuthClient(key="x"), ssl=insecure()):
            told["with a wrong key"] = "connected"
    except NETunnelError as error:
        told["with a wrong key"] = type(error).__name__


def insecure() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def main() -> None:
    await clients()
    await tunnel()
    print(json.dumps(told))


# What stands still here stands still for good: NETunnel waits for its own tasks.
asyncio.run(asyncio.wait_for(main(), 90))
