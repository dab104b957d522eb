"""A target as Atoti's documentation shows it: one RSA key, RS512, no audience. gatelodge's side:

    identity_jwt: {enabled: true, algorithm: RS512, subject: user, audience: none, roles_claim: authorities, private_key_file: private-key.pem}
    anonymous: {user: anonymousUser, roles: [ROLE_ANONYMOUS]}

    openssl rsa -in private-key.pem -pubout -out public-key.pem
    PUBLIC_KEY=public-key.pem python atoti_target.py
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from jwt import PyJWTError, decode

PUBLIC_KEY_PEM = Path(os.environ.get("PUBLIC_KEY", "public-key.pem")).read_text()


class Target(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        try:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            claims = decode(token, algorithms=["RS512"], key=PUBLIC_KEY_PEM)
            status, answer = 200, {"user": claims["sub"], "roles": claims["authorities"]}
        except PyJWTError:
            status, answer = 401, {}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Target).serve_forever()
