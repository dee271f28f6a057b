"""Full supervision on frames of cataract surgery with an HRNet of another library: pip install segmentation-models-pytorch.

HRNet-W18 [Wang 2021] as encoder of a U-Net, from random weights; encoder_weights='imagenet' starts from those of ImageNet. Random
scaling and crops, sliding window and, with test.py --tta, flips; judged by IoU. The budget is this project's own.
"""
_base_ = ['../_base_/datasets/cataracts.py', '../_base_/augmentation/pictures_512.py', '../_base_/schedules/adam_20k.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(net=dict(
        type='segmentation_models_pytorch.Unet', encoder_name='tu-hrnet_w18', encoder_weights=None, in_channels=3, classes=8)),
    method=dict(type='supervised'),
    losses=dict(sup=dict(type='dice_ce')))
val_evaluator = dict(type='IoUMetric')
default_hooks = dict(checkpoint=dict(save_best='iou/mean'))
