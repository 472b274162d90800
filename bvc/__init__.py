"""bvc: a compiler for vision experiments."""

from bvc.api import Loaded as Loaded
from bvc.api import Report as Report
from bvc.api import load as load
