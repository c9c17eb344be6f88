"""Revocation by OCSP (RFC 6960): `verify` judges one answer, `verdict` is what it comes to."""
