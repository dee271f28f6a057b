"""Noisy lungs on chest radiographs in minutes on a CPU: cross entropy on the noisy labels, and the clean ones as the upper bound.

A method for noisy labels is a line between the two: dict(name='co-teaching', config='nll/coteaching_cxr_cpu', seeds=(0, 1, 2)).
"""
suite = dict(
    members=[
        dict(name='CE', config='nll/ce_cxr_cpu', seeds=(0, 1, 2)),
        dict(name='clean labels', config='fsl/unet2d_cxr_cpu', seeds=(0, 1, 2))],
    baseline='CE',
    test=dict(tta=True))
