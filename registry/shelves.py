"""Every shelf. Class shelves hang under mmengine's of the same kind, so that the Runner finds what is ours and we what is its."""
from mmengine import registry as root
from mmengine.registry import Registry

from .binding import bind

SCOPE = 'scarceseg'


def _shelf(name, *locations, parent=None, scope=SCOPE, binds=False, nests=False):
    """A registry; ``binds``: of functions whose tensors are still to come; ``nests``: some have settings from the same shelf."""
    locations = [loc if loc.startswith('mmengine') else f'{SCOPE}.{loc}' for loc in locations]
    shelf = Registry(name, build_func=bind, parent=parent, scope=scope, locations=locations)
    shelf.binds, shelf.nests = binds, nests
    return shelf


# classes, built
MODELS = _shelf('model', 'methods', parent=root.MODELS)
NETWORKS = _shelf('network', 'components.networks', 'mmengine.model', parent=MODELS, scope='network')
DATASETS = _shelf('dataset', 'components.datasets', parent=root.DATASETS)
DATA_SAMPLERS = _shelf('sampler', 'components.datasets', parent=root.DATA_SAMPLERS)
LOOPS = _shelf('loop', 'methods', parent=root.LOOPS)
HOOKS = _shelf('hook', 'methods', parent=root.HOOKS)
METRICS = _shelf('metric', 'methods', 'components.evaluators.measures', parent=root.METRICS, binds=True)
VISBACKENDS = _shelf('visualizer back end', 'methods', parent=root.VISBACKENDS)

# functions, bound
FUNCTIONS = _shelf('function', 'components.datasets', parent=root.FUNCTIONS, binds=True)
LOSSES = _shelf('loss', 'components.losses', binds=True, nests=True)
TRANSFORMS = _shelf('transform', 'components.transforms', parent=root.TRANSFORMS, binds=True, nests=True)
SCHEDULES = _shelf('schedule', 'components.schedules', binds=True)
METHODS = _shelf('method', 'methods', binds=True)
INFERERS = _shelf('inferer', 'components.inferers', binds=True)
POSTPROCESSORS = _shelf('postprocessor', 'components.postprocess', binds=True)

# what else the Runner looks up under our scope; without a shelf of ours it warns at every build
_OTHERS = ('RUNNERS', 'RUNNER_CONSTRUCTORS', 'OPTIMIZERS', 'OPTIM_WRAPPERS', 'OPTIM_WRAPPER_CONSTRUCTORS', 'PARAM_SCHEDULERS',
           'EVALUATOR', 'VISUALIZERS', 'LOG_PROCESSORS', 'MODEL_WRAPPERS', 'STRATEGIES', 'INFERENCERS')
_LOCATIONS = {'OPTIM_WRAPPER_CONSTRUCTORS': ('methods',), 'OPTIM_WRAPPERS': ('methods',)}
SHELVES = {name: _shelf(getattr(root, name).name, *_LOCATIONS.get(name, ()), parent=getattr(root, name)) for name in _OTHERS}
SHELVES.update({name: shelf for name, shelf in list(globals().items()) if isinstance(shelf, Registry)})
