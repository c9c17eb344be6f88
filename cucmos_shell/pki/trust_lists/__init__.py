"""Trust lists: signed files that tell phones whom to trust (`CTLFile.tlv`, `ITLFile.tlv`, `.sgn`).

`form` has the tags and what a file says, `read` the strict reader and verifier, `build` the
builder, `parts` what both need from a certificate. They know octets and certificates, and nothing
of a shell or a store.

A list is a header, padded to whole words of four octets, and records up to the end of the file. A
signed file has its payload in place of the records. Both are made of elements: tag (1 octet),
length (2 octets, big-endian, of the value), value. The format was never published; it is known
from programs whose lists phones accept and from lists shown in the manufacturer's documents.
"""
