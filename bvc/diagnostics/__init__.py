"""What is wrong, as values: diagnostics, their places, pages and renderers. Imports nothing of bvc."""

from bvc.diagnostics.diagnostic import Diagnostic as Diagnostic
from bvc.diagnostics.diagnostic import Failed as Failed
from bvc.diagnostics.diagnostic import Label as Label
from bvc.diagnostics.diagnostic import Severity as Severity
from bvc.diagnostics.place import Origin as Origin
from bvc.diagnostics.place import Place as Place
from bvc.diagnostics.place import Sources as Sources
from bvc.diagnostics.render import render as render
