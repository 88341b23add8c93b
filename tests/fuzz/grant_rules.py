# SPDX-License-Identifier: Apache-2.0
"""Does a grant hold? The rules of a grant once more, in Python, with PyJWT to verify signatures."""
import base64
import binascii
import hashlib
import ipaddress
import json
import re
import struct

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

TYP = "exc-grant+jwt"
AUDIENCE = "exc:compute:instance/"
LIFETIME = 60
SKEW = 5


class Refused(Exception):
    """The grant does not hold."""


def need(condition, why):
    if not condition:
        raise Refused(why)


# Stricter than PyJWT, on purpose: base64url with characters that do not belong, with padding or with
# bits after its end is another spelling of the same bytes. RFC 7515 section 2 has one without
# padding; RFC 4648 section 3.5 lets a decoder refuse the rest.
def strict_base64(text, alphabet, padded):
    need(re.fullmatch(rb"[A-Za-z0-9%s]*={0,2}" % alphabet, text), "base64")
    need(len(text) % 4 == 0 if padded else b"=" not in text, "padding")
    standard = text.replace(b"-", b"+").replace(b"_", b"/")
    try:
        data = base64.b64decode(standard + (b"" if padded else b"=" * (-len(text) % 4)), validate=True)
    except binascii.Error as error:
        raise Refused("base64") from error
    need(base64.b64encode(data).rstrip(b"=") == standard.rstrip(b"="), "bits after the end")
    return data


def check_depth(value, level=1):
    """Returns how many values there are."""
    # Stricter than RFC 8259, on purpose: a bound on depth and count (JSON_DEPTH_MAX, JSON_VALUES_MAX)
    need(level <= 8, "deep")
    if isinstance(value, dict):
        return 1 + sum(check_depth(below, level + 1) for below in value.values())
    if isinstance(value, list):
        return 1 + sum(check_depth(below, level + 1) for below in value)
    return 1


def check_text(text):
    # Stricter than RFC 8259, on purpose: \u0000 ends strings in other readers, and a lone surrogate
    # is no character.
    need("\0" not in text, "NUL")
    need(not re.search("[\ud800-\udfff]", text), "surrogate")


def check_texts(value):
    if isinstance(value, str):
        check_text(value)
    for below in value if isinstance(value, list) else ():
        check_texts(below)


def no_duplicates(pairs):
    # Stricter than RFC 8259, on purpose: readers disagree on which of two members counts.
    need(len({name for name, _ in pairs}) == len(pairs), "duplicate")
    for name, value in pairs:
        check_text(name)
        check_texts(value)
    return dict(pairs)


def refuse_constant(name):
    # Python reads NaN and Infinity, which are no JSON.
    raise Refused(name)


def read_json(data):
    """Python would also read UTF-16 and skip a byte order mark; JSON is UTF-8 (RFC 8259 section 8.1)."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=no_duplicates, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(f"JSON: {error}") from error
    need(isinstance(value, dict), "no object")
    need(check_depth(value) <= 2048, "many values")
    return value


def algorithm_of(key):
    """The key decides, never the header."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "EdDSA"
    if isinstance(key, ec.EllipticCurvePublicKey):
        # PyJWT takes any curve for ES256; RFC 7518 section 3.4 has P-256.
        return "ES256" if isinstance(key.curve, ec.SECP256R1) else None
    if isinstance(key, rsa.RSAPublicKey):
        return "PS256" if 2048 <= key.key_size <= 8192 else None
    return None


def verify(token, keys):
    """The claims of a grant that one of these keys has signed: {kid: public key}."""
    need(len(token) <= 32 * 1024, "large")
    parts = token.split(b".")
    need(len(parts) == 3, "parts")
    header, payload, signature = (strict_base64(part, b"_-", False) for part in parts)
    # The largest RSA key that is accepted has 8192 bits.
    need(len(signature) <= 1024, "long signature")
    header = read_json(header)
    need("crit" not in header, "crit")
    need(header.get("typ") == TYP, "typ")
    # Chains are not compared: PyJWT knows nothing of them.
    need("x5c" not in header, "x5c")
    need(isinstance(header.get("kid"), str), "kid")
    key = keys.get(header["kid"])
    need(key is not None, "unknown key")
    algorithm = algorithm_of(key)
    need(algorithm is not None, "key")
    need(header.get("alg") == algorithm, "alg")
    # Not decode(): it looks at b64, which without `crit` is a member like any other that is not known
    # (RFC 7797 section 6, RFC 7515 section 4).
    signed = token.rsplit(b".", 1)[0]
    need(jwt.api_jws.get_algorithm_by_name(algorithm).verify(signed, key, signature), "signature")
    return read_json(payload)


def text_claim(claims, name, longest, shortest=1):
    """A text for people: no control characters, and a bound in bytes."""
    text = claims.get(name)
    need(isinstance(text, str), name)
    need(shortest <= len(text.encode()) <= longest, name)
    need(not re.search("[\x01-\x1f\x7f]", text), name)
    return text


def integer_claim(claims, name):
    """A number without a fraction, from 0 to 2^53 - 1 (RFC 7493 section 2.2)."""
    value = claims[name] if name in claims else None
    need(isinstance(value, (int, float)) and not isinstance(value, bool), name)
    need(0 <= value <= 2**53 - 1 and value == int(value), name)
    return int(value)


def check_times(claims, now, boot):
    issued, expires = integer_claim(claims, "iat"), integer_claim(claims, "exp")
    not_before = integer_claim(claims, "nbf") if "nbf" in claims else issued
    need(issued <= now + SKEW, "iat")
    need(not_before <= now + SKEW, "nbf")
    need(now < expires, "exp")
    need(expires - issued <= LIFETIME, "lifetime")
    need(issued >= boot, "boot")


def take_string(blob):
    """One string of RFC 4251 section 5, and what is after it."""
    need(len(blob) >= 4, "field")
    length = struct.unpack(">I", blob[:4])[0]
    need(length <= len(blob) - 4, "field")
    return blob[4:4 + length], blob[4 + length:]


def mpint(field):
    need(field and field[0] < 0x80, "mpint")
    need(field[0] != 0 or (len(field) > 1 and field[1] >= 0x80), "mpint")
    return int.from_bytes(field, "big")


def check_fields(kind, blob):
    if kind == "ssh-rsa":
        exponent, blob = take_string(blob)
        modulus, blob = take_string(blob)
        need(len(exponent) <= 8 and mpint(exponent) >= 3 and mpint(exponent) & 1, "exponent")
        need(2048 <= mpint(modulus).bit_length() <= 16384, "modulus")
        return blob
    curve = re.search("nistp(256|384|521)", kind)
    if curve:
        name, blob = take_string(blob)
        need(name.decode("latin-1") == curve.group(), "curve")
        point, blob = take_string(blob)
        need(len(point) == 1 + 2 * ((int(curve.group(1)) + 7) // 8) and point[0] == 4, "point")
        return blob
    key, blob = take_string(blob)
    need(len(key) == 32, "key")
    return blob


KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
         "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "ssh-rsa")


def fingerprint(blob):
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def check_key(claims, offered):
    text = claims.get("ssh_key")
    need(isinstance(text, str) and " " in text, "ssh_key")
    kind, rest = text.split(" ", 1)
    need(kind in KINDS, "type")
    blob = strict_base64(rest.encode(), b"+/", True)
    need(0 < len(blob) <= 4096, "blob")
    name, below = take_string(blob)
    need(name == kind.encode(), "type in the blob")
    below = check_fields(kind, below)
    if kind.startswith("sk-"):
        application, below = take_string(below)
        need(1 <= len(application) <= 1024, "application")
    need(below == b"", "bytes after the key")
    need(fingerprint(blob) == offered, "fingerprint")


def check_source(text):
    need(isinstance(text, str), "source")
    # Stricter than ipaddress: no netmask, no zone, no leading zeros, as sshd and inet_pton(3) have it.
    need(re.fullmatch(r"[0-9A-Fa-f.:]+(/(0|[1-9][0-9]{0,2}))?", text, re.ASCII), "source")
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise Refused("source") from error


def check_restrict(restrict):
    need(isinstance(restrict, dict), "restrict")
    for name, value in restrict.items():
        if name == "source":
            need(isinstance(value, list) and 1 <= len(value) <= 16, "source")
            for text in value:
                check_source(text)
        elif name == "command":
            text_claim(restrict, "command", 1024)
            need(not value.endswith("\\"), "command")
        else:
            need(name in ("pty", "port_forwarding", "agent_forwarding", "x11_forwarding"), name)
            need(isinstance(value, bool), name)


def check_grant(token, keys, instance, user, offered, now, boot):
    """Raises Refused unless the grant holds for this instance, this user and the offered key."""
    claims = verify(token, keys)
    need(claims.get("aud") == AUDIENCE + instance, "aud")
    need(claims.get("sub") == user, "sub")
    need(re.fullmatch(r"[A-Za-z0-9._:-]+", text_claim(claims, "jti", 128, 22)), "jti")
    text_claim(claims, "iss", 256)
    text_claim(claims, "caller", 256)
    text_claim(claims, "request_id", 128)
    check_times(claims, now, boot)
    check_key(claims, offered)
    if "restrict" in claims:
        check_restrict(claims["restrict"])
