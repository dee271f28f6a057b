"""Partial cross entropy on ACDC scribbles in minutes on a CPU."""
_base_ = ['../_base_/datasets/acdc_scribble_cpu.py', '../_base_/augmentation/slices_128.py', '../_base_/schedules/adamw_1k.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(net=dict(type='UNet2D', in_channels=1, num_classes=4)),
    method=dict(type='supervised'),
    losses=dict(sup=dict(type='partial_cross_entropy', implied_weight=0.5)))
