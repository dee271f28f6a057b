"""The baseline of semi-supervised learning: labelled images alone on ACDC, 14 of 140 volumes labelled, at the paper's budget."""
_base_ = ['../_base_/datasets/acdc_labeled.py', '../_base_/augmentation/slices_192.py', '../_base_/schedules/adam_30k.py',
          '../_base_/runtime.py']
train_dataloader = dict(batch_sampler=dict(parts=dict(labeled=8)))
model = dict(
    networks=dict(net=dict(type='UNet2D', in_channels=1, num_classes=4)),
    method=dict(type='supervised'),
    losses=dict(sup=dict(type='dice_ce')))
