"""The gateway in front of PostgREST: keys of both kinds, and what it says to a wrong one."""

import base64
import dataclasses
import hashlib
import hmac
import json
import re
import secrets
import time

from .errors import GatewayError, jwt_error

NO_KEY = "No API key found in request"
NO_KEY_HINT = "No `apikey` request header or url param was found."
WRONG_KEY_HINT = "Double check your Supabase `anon` or `service_role` API key."
SECRET_IN_BROWSER = "Forbidden use of secret API key in browser"
SECRET_IN_BROWSER_HINT = (
    "Secret API keys can only be used in a protected environment and should never be used in a "
    "browser. Delete this secret API key immediately."
)


def _encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sign(claims, secret):
    """A JWT with HS256, as Supabase's legacy keys are."""
    head = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = _encode(json.dumps(claims).encode())
    signature = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_encode(signature)}"


def verify(token, secret, now=None):
    """The claims of a JWT; raises what PostgREST answers."""
    parts = token.split(".")
    if not token:
        raise jwt_error("PGRST301", "Empty JWT is sent in Authorization header")
    if len(parts) != 3:
        raise jwt_error("PGRST301", f"Expected 3 parts in JWT; got {len(parts)}")
    try:
        header, claims, signature = (
            json.loads(_decode(parts[0])),
            json.loads(_decode(parts[1])),
            _decode(parts[2]),
        )
    except ValueError:
        raise jwt_error("PGRST301", "JWT cryptographic operation failed") from None
    if header.get("alg") != "HS256":
        raise jwt_error(
            "PGRST301",
            "Wrong or unsupported encoding algorithm",
            "JWT is unsecured but expected 'alg' was not 'none'" if header.get("alg") == "none" else None,
        )
    wanted = hmac.new(secret.encode(), f"{parts[0]}.{parts[1]}".encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(wanted, signature):
        raise jwt_error(
            "PGRST301", "No suitable key or wrong key type", "None of the keys was able to decode the JWT"
        )
    # PostgREST allows clocks to differ by 30 seconds.
    if "exp" in claims and claims["exp"] < (now or time.time()) - 30:
        raise jwt_error("PGRST303", "JWT expired")
    return claims


@dataclasses.dataclass
class Keys:
    """The project's keys. The legacy ones are JWTs that PostgREST itself verifies."""

    jwt_secret: str
    service: str
    anon: str
    secret: str
    publishable: str

    @staticmethod
    def fresh():
        jwt_secret = secrets.token_hex(32)
        now = int(time.time())
        claims = {"iss": "supabase", "ref": "contract", "iat": now, "exp": now + 10 * 365 * 86400}
        return Keys(
            jwt_secret,
            sign({**claims, "role": "service_role"}, jwt_secret),
            sign({**claims, "role": "anon"}, jwt_secret),
            "sb_secret_" + secrets.token_urlsafe(24),
            "sb_publishable_" + secrets.token_urlsafe(24),
        )


@dataclasses.dataclass(frozen=True)
class Caller:
    role: str
    claims: dict


def authenticate(keys, headers, query_pairs):
    """The role that the request acts as. Raises `GatewayError` or a PGRST30x."""
    key = headers.get("apikey") or dict(query_pairs).get("apikey")
    if not key:
        raise GatewayError(401, NO_KEY, NO_KEY_HINT)
    known = {keys.service: None, keys.anon: None, keys.secret: "service_role", keys.publishable: "anon"}
    if key not in known:
        raise GatewayError(401, "Invalid API key", WRONG_KEY_HINT)
    if key == keys.secret and re.search(r"Mozilla|AppleWebKit|Gecko", headers.get("User-Agent", "")):
        raise GatewayError(401, SECRET_IN_BROWSER, SECRET_IN_BROWSER_HINT)
    authorization = headers.get("Authorization")
    if authorization is None:
        # For a new key the gateway puts a token of the right role; a legacy one alone is anonymous.
        role = known[key] or "anon"
        return Caller(role, {"role": role})
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return Caller("anon", {"role": "anon"})
    claims = verify(token.strip(), keys.jwt_secret)
    return Caller(claims.get("role", "anon"), claims)
