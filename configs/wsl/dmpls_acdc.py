"""Dynamically mixed pseudo labels on ACDC scribbles, at the paper's budget [Luo 2022]."""
_base_ = ['../_base_/datasets/acdc_scribble.py', '../_base_/augmentation/slices_224.py', '../_base_/schedules/adam_20k.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(dual=dict(type='DualBranchUNet2D', in_channels=1, num_classes=4)),
    method=dict(type='dmpls'),
    losses=dict(sup=dict(type='cross_entropy'), pseudo=dict(type='soft_dice')),
    weights=dict(pseudo=dict(type='sigmoid_rampup', stop=0.1, begin=2000, length=13_000)))
