"""The contract server against the rules of the gateway: keys, tokens, roles."""

import base64
import time

from tests.compat.storage.plain_http import row


def test_no_key_is_401_without_code(call):
    reply = call("GET", "products", apikey=None)
    assert reply.status == 401
    assert reply.json == {
        "message": "No API key found in request",
        "hint": "No `apikey` request header or url param was found.",
    }


def test_wrong_key_is_401_without_code(call):
    reply = call("GET", "products", apikey="sb_secret_wrong")
    assert (reply.status, reply.json["message"]) == (401, "Invalid API key")
    assert "code" not in reply.json


def test_key_in_the_address_is_taken(call, server):
    assert call("GET", f"products?apikey={server.key}", apikey=None).status == 200


def test_new_key_as_bearer_is_refused_by_postgrest(call, server):
    reply = call("GET", "products", Authorization=f"Bearer {server.key}")
    assert (reply.status, reply.code) == (401, "PGRST301")
    assert reply.json["message"] == "Expected 3 parts in JWT; got 1"
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_secret_key_from_a_browser_is_refused(call):
    assert call("GET", "products", User_Agent="Mozilla/5.0 (X11) AppleWebKit/537.36").status == 401


def test_legacy_key_in_both_headers_is_the_service_role(call, server):
    legacy = {"apikey": server.keys["service"], "Authorization": f"Bearer {server.keys['service']}"}
    assert call("POST", "products", row(1), **legacy).status == 201


def test_legacy_key_alone_is_anonymous(call, server):
    assert call("POST", "products", row(1), apikey=server.keys["service"]).status == 401


def test_expired_forged_and_roleless_tokens(call, server):
    expired = server.control("token", role="service_role", exp=int(time.time()) - 100)["token"]
    assert call("GET", "products", Authorization=f"Bearer {expired}").code == "PGRST303"
    head, _, signature = server.keys["service"].split(".")
    forged = base64.urlsafe_b64encode(b'{"role":"postgres"}').rstrip(b"=").decode()
    assert call("GET", "products", Authorization=f"Bearer {head}.{forged}.{signature}").code == "PGRST301"
    unknown = server.control("token", role="nobody_there")["token"]
    reply = call("GET", "products", Authorization=f"Bearer {unknown}")
    assert (reply.status, reply.code) == (401, "22023")


def test_rotated_keys_end_the_old_ones_at_once(call, server):
    old = server.key
    server.rotate_keys()
    assert call("GET", "products", apikey=old).status == 401
    assert call("GET", "products", apikey=server.key).status == 200


def test_row_security_hides_rows_and_refuses_writes(call, server):
    assert call("POST", "products", row(1)).status == 201
    reply = call("GET", "products", apikey=server.keys["publishable"])
    assert (reply.status, reply.json) == (200, [])
    refused = call("POST", "products", row(2), apikey=server.keys["publishable"])
    assert (refused.status, refused.code) == (401, "42501")
    assert call("DELETE", "products?id=eq.p1", apikey=server.keys["publishable"]).status == 204
    assert len(server.rows()) == 1
    token = server.control("token", role="authenticated")["token"]
    refused = call("POST", "products", row(3), Authorization=f"Bearer {token}")
    assert (refused.status, refused.code) == (403, "42501")
