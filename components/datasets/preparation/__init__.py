"""From public downloads, as they are, to folders that configs read.

Each preparation is a pure function from the folder of a download to a ``Plan``; ``carry_out`` does what it says. Nothing of a
download is changed, and nothing that is there is overwritten.
"""
from .acdc import acdc_plan
from .atrium import atrium_plan
from .decathlon import decathlon_plan
from .jsrt import jsrt_plan
from .plan import Outcome, Plan, carry_out, check_outside, renamed
from .promise12 import promise12_plan

__all__ = ['Outcome', 'Plan', 'acdc_plan', 'atrium_plan', 'carry_out', 'check_outside', 'decathlon_plan', 'jsrt_plan',
           'promise12_plan', 'renamed']
