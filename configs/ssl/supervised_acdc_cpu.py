"""The baseline of semi-supervised learning: labelled images alone on ACDC, 14 of 140 volumes labelled, on a CPU."""
_base_ = ['../_base_/datasets/acdc_labeled_cpu.py', '../_base_/augmentation/slices_128.py', '../_base_/schedules/adamw_3k.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(net=dict(type='UNet2D', in_channels=1, num_classes=4)),
    method=dict(type='supervised'),
    losses=dict(sup=dict(type='dice_ce')))
