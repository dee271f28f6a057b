"""Full supervision on 14 labelled ACDC volumes, at the paper's budget."""
_base_ = ['../_base_/datasets/acdc_labeled.py', '../_base_/augmentation/slices_224.py', '../_base_/schedules/adam_20k.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(net=dict(type='UNet2D', in_channels=1, num_classes=4)),
    method=dict(type='supervised'),
    losses=dict(sup=dict(type='dice_ce')))
