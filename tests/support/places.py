"""Where things are: the checkout, its documents, and the public test data beside it."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
DOCS = CHECKOUT / "docs"
SUPPORT = CHECKOUT / "tests" / "support"
TRANSCRIPTS = CHECKOUT / "tests" / "transcripts"
CORPORA = Path(os.environ.get("CUCMOS_CORPORA", CHECKOUT.parent / "shared" / "corpora"))
LIMBO = CORPORA / "x509-limbo" / "pem"
