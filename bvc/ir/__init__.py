"""The typed IR of an experiment: what a spec says, with names resolved and types checked.

Frozen values only. Every node keeps the origin of what it was made from, so that later stages can point at
the spec. Durations stay durations until the compiler knows batch size, dataset size and run length.
"""

from bvc.ir.data import DataNode as DataNode
from bvc.ir.data import TrainData as TrainData
from bvc.ir.data import TrainSource as TrainSource
from bvc.ir.duration import Duration as Duration
from bvc.ir.duration import DurationUnit as DurationUnit
from bvc.ir.experiment import DrawNode as DrawNode
from bvc.ir.experiment import Eval as Eval
from bvc.ir.experiment import Experiment as Experiment
from bvc.ir.experiment import Precision as Precision
from bvc.ir.experiment import Run as Run
from bvc.ir.mesh import LayoutRule as LayoutRule
from bvc.ir.mesh import Mesh as Mesh
from bvc.ir.node import FrozenNode as FrozenNode
from bvc.ir.node import ModelNode as ModelNode
from bvc.ir.node import Node as Node
from bvc.ir.node import OpNode as OpNode
from bvc.ir.node import ScheduleNode as ScheduleNode
from bvc.ir.node import TermNode as TermNode
from bvc.ir.node import ViewNode as ViewNode
from bvc.ir.optimizer import EmaNode as EmaNode
from bvc.ir.optimizer import Optimizer as Optimizer
from bvc.ir.optimizer import PerturbationNode as PerturbationNode
from bvc.ir.optimizer import Rule as Rule
