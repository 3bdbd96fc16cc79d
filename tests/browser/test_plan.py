"""What only a browser shows of filling a plan template: the texts follow the typing, and the page is clean for a screen reader."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import faults
from tests.browser.test_messages import sign_in
