"""Bidirectional copy-paste on left atria, 7 of 72 labelled, in minutes on a CPU."""
_base_ = ['../_base_/datasets/la_semi.py', '../_base_/augmentation/blocks.py', '../_base_/schedules/adamw_500.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(
        student=dict(type='UNet3D', in_channels=1, num_classes=2),
        teacher=dict(type='MovingAverage', average_of='student', decay=0.99)),
    method=dict(type='bcp', alone=dict(type='step', before=1, after=0, at=150)),
    losses=dict(sup=dict(type='dice_ce'), pseudo=dict(type='dice_ce')),
    weights=dict(pseudo=0.5))
