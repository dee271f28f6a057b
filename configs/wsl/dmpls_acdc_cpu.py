"""Dynamically mixed pseudo labels on ACDC scribbles in minutes on a CPU."""
_base_ = ['../_base_/datasets/acdc_scribble_cpu.py', '../_base_/augmentation/slices_128.py', '../_base_/schedules/adamw_1k.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(dual=dict(type='DualBranchUNet2D', in_channels=1, num_classes=4)),
    method=dict(type='dmpls'),
    losses=dict(sup=dict(type='partial_cross_entropy', implied_weight=0.5), pseudo=dict(type='soft_dice')),
    weights=dict(pseudo=dict(type='sigmoid_rampup', stop=0.5, begin=0, length=600)))
