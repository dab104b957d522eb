"""An application that believes nobody but gatelodge's signature. Python 3.9 or newer:

    pip install -r requirements.txt
    ISSUER=https://auth.example.com AUDIENCE=app.example.com python server.py
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

# `public_url` of gatelodge, and the host under which people open this application, without port.
ISSUER = os.environ.get("ISSUER", "https://auth.example.com")
AUDIENCE = os.environ.get("AUDIENCE", "app.example.com")
# Read once, kept, and read again when a token names a key that is not there yet.
KEYS = jwt.PyJWKClient(os.environ.get("JWKS_URL", f"{ISSUER}/jwks"))


def who_asks(authorization):
    """Whose a request is; None where it comes without a good token."""
    scheme, _, token = authorization.partition(" ")
    if scheme != "Bearer":
        return None
    try:
        verified = jwt.decode_complete(
            token,
            key=KEYS.get_signing_key_from_jwt(token),
            algorithms=["ES256"],  # one, that of `identity_jwt.algorithm`
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": ["exp", "iat", "sub"]},
        )
    except jwt.PyJWTError:
        return None
    # Access tokens are signed for others.
    return verified["payload"] if verified["header"].get("typ") == "JWT" else None


class Application(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        who = who_asks(self.headers.get("Authorization", ""))
        answer = {} if who is None else {"user": who["preferred_username"], "roles": who["roles"]}
        body = json.dumps(answer).encode()
        self.send_response(401 if who is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Application).serve_forever()
