"""The ports at which a node's services show the certificates that they have loaded.

`places` says where they are and holds them, `contexts` has the TLS of a certificate, `secured`
talks to a client by it, `port` serves one, `ports` follows the services; `page` and `xmpp` are what
is said there.
"""
