"""The questions that are asked of OCSP responders, and who of them is believed."""
