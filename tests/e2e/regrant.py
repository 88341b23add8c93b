#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Give a grant that exc-connectd has issued another `restrict`, signed with the control plane's key.

Usage: regrant.py DATABASE SIGNING-KEY FINGERPRINT RESTRICT

exc-connectd itself only issues grants that restrict nothing but the source, or everything together with a command.
What a guest makes of the others is tested with these. RESTRICT is JSON; null takes it away.
"""
import json
import sqlite3
import sys

import jwt

database, signing_key, fingerprint, restrict = sys.argv[1:]
store = sqlite3.connect(database, timeout=10)
(token,) = store.execute("SELECT jws FROM grants WHERE fingerprint = ?", (fingerprint,)).fetchone()
claims = jwt.decode(token, options={"verify_signature": False})
claims.pop("restrict", None)
if json.loads(restrict) is not None:
    claims["restrict"] = json.loads(restrict)
with open(signing_key) as key:
    token = jwt.encode(claims, key.read(), algorithm="EdDSA", headers=jwt.get_unverified_header(token))
store.execute("UPDATE grants SET jws = ? WHERE fingerprint = ?", (token, fingerprint))
store.commit()
