"""Partial cross entropy on left atria with simulated scribbles and a 3D U-Net, in minutes on a CPU."""
_base_ = ['../_base_/datasets/la_scribble.py', '../_base_/augmentation/blocks.py', '../_base_/schedules/adamw_500.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(net=dict(type='UNet3D', in_channels=1, num_classes=2)),
    method=dict(type='supervised'),
    losses=dict(sup=dict(type='partial_cross_entropy', implied_weight=0.5)))
