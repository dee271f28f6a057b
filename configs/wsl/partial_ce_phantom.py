"""Partial cross entropy on generated hearts with scribbles: the baseline of the scribble methods, on built-in data."""
_base_ = ['../_base_/datasets/phantom_scribble.py', '../_base_/augmentation/slices_96.py', '../_base_/schedules/adamw_500.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(net=dict(type='UNet2D', in_channels=1, num_classes=4)),
    method=dict(type='supervised'),
    losses=dict(sup=dict(type='partial_cross_entropy', implied_weight=0.5)))
