"""The baseline of semi-supervised learning: labelled images alone on left atria, 7 of 72 labelled, in minutes on a CPU."""
_base_ = ['../_base_/datasets/la_labeled.py', '../_base_/augmentation/blocks.py', '../_base_/schedules/adamw_500.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(net=dict(type='UNet3D', in_channels=1, num_classes=2)),
    method=dict(type='supervised'),
    losses=dict(sup=dict(type='dice_ce')))
