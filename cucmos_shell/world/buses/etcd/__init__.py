"""An etcd as the bus of a cluster: `bus` is what others use.

`wire` asks its members, `forms` has what is said in JSON, `places` the address and the keys, and
`state` what is known of the bus; `changes`, `history` and `leases` are parts of the protocol.
"""
