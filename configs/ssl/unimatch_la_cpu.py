"""UniMatch on left atria, 7 of 72 labelled, in minutes on a CPU."""
_base_ = ['../_base_/datasets/la_semi.py', '../_base_/augmentation/blocks_views.py', '../_base_/schedules/adamw_500.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(net=dict(type='UNet3D', in_channels=1, num_classes=2)),
    method=dict(type='unimatch', confidence=0.95),
    losses=dict(sup=dict(type='dice_ce'), pseudo=dict(type='thresholded_cross_entropy')),
    weights=dict(sup=0.5, strong=0.25, features=0.25))
