"""The text stages: a TOML file to a resolved tree that knows where each value came from. No jax."""

from bvc.diagnostics import Failed as Failed
from bvc.diagnostics import Origin as Origin
from bvc.diagnostics import Place as Place
from bvc.diagnostics import Sources as Sources
from bvc.spec.calls import parse_call as parse_call
from bvc.spec.commandline import COMMAND_LINE as COMMAND_LINE
from bvc.spec.commandline import parse_target as parse_target
from bvc.spec.spec import ResolvedParam as ResolvedParam
from bvc.spec.spec import Spec as Spec
from bvc.spec.spec import load as load
from bvc.spec.stdlib import stdlib_root as stdlib_root
from bvc.spec.tree import Argument as Argument
from bvc.spec.tree import Array as Array
from bvc.spec.tree import Call as Call
from bvc.spec.tree import Leaf as Leaf
from bvc.spec.tree import Node as Node
from bvc.spec.tree import Part as Part
from bvc.spec.tree import Table as Table
from bvc.spec.tree import plain as plain
