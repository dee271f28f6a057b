"""Full supervision on three-sequence cardiac MR, with the settings of PyMIC's authors for MyoPS 2020 [Zhai 2020].

One fold of five; --cfg-options fold=2 is the next. They train on images that are cut around all hearts; here half of the crops are
placed on the heart instead. A batch is four slices, as many as a case of theirs has on average.
"""
_base_ = ['../_base_/datasets/myops.py', '../_base_/augmentation/slices_160.py', '../_base_/schedules/adam_16k_steps.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(net=dict(type='UNet2D', in_channels=3, num_classes=6, dropout=(0, 0, 0.5, 0.5, 0.5), upsample='transposed')),
    method=dict(type='supervised'),
    losses=dict(sup=dict(type='dice_ce', dice_weight=1.0, ce_weight=1.0)))
