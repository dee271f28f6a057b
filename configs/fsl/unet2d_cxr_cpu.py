"""Full supervision on chest radiographs in minutes on a CPU."""
_base_ = ['../_base_/datasets/cxr_labeled.py', '../_base_/augmentation/radiographs_192.py', '../_base_/schedules/adamw_500.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(net=dict(type='UNet2D', in_channels=1, num_classes=2)),
    method=dict(type='supervised'),
    losses=dict(sup=dict(type='dice_ce')))
