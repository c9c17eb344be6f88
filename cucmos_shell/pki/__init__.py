"""What certificates, requests and lists say, and what a verdict on them is; no store and no node.

`certs` makes, reads and describes certificates (RFC 5280) with `extensions`; `csr` does so for
requests (RFC 2986). `bundle` finds what an upload holds. `der`, `tbs` and `sniff` look at octets
without the library, for the store and for speed; `untrusted` is what the library is used in.
`chains`, `ocsp` and `trust_lists` judge.
"""
