"""How parts are put together: methods (one pure function each), the segmentor that weighs their terms, the one training loop."""
from . import fsl, ssl, wsl
from .hooks import CurvesHook, SafeCheckpointHook
from .loop import MethodTrainLoop
from .metrics import DiceMetric, IoUMetric
from .optim import Bfloat16OptimWrapper, MergedOptimWrapperConstructor
from .segmentor import Segmentor
from .visual import CsvVisBackend

__all__ = ['Bfloat16OptimWrapper', 'CsvVisBackend', 'CurvesHook', 'DiceMetric', 'IoUMetric', 'MergedOptimWrapperConstructor',
           'MethodTrainLoop', 'SafeCheckpointHook', 'Segmentor', 'fsl', 'ssl', 'wsl']
