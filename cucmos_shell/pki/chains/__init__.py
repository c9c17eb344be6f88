"""Whether a certificate's chain holds (RFC 5280, section 6), and if not, why.

`decide` gives the verdict, by `rules` and `names`; `explain` has the words for a refusal.
"""
