"""Patterns of region mentions in texts: `<region2>` in questions, "region 2" or "region2" in answers."""

import re

REGION_TAG = re.compile(r"<region(\d{1,6})>")
"""`<regionN>`; group 1 is the number."""

REGION_WORD = re.compile(r"(?i)<region ?(\d{1,6})>|(?<!\w)region ?(\d{1,6})(?!\w)")
"""A region as a model's answer names it, with or without brackets; group 1 or group 2 is the number."""
