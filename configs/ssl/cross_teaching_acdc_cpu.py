"""Cross teaching between a U-Net and a transformer on ACDC, 14 of 140 volumes labelled, on a CPU."""
_base_ = ['../_base_/datasets/acdc_semi_cpu.py', '../_base_/augmentation/slices_128.py', '../_base_/schedules/adamw_3k.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(
        cnn=dict(type='UNet2D', in_channels=1, num_classes=4),
        transformer=dict(type='SwinUNet', in_channels=1, num_classes=4, embed_dim=48)),
    method=dict(type='cross_teaching'),
    losses=dict(sup=dict(type='dice_ce'), pseudo=dict(type='soft_dice')),
    weights=dict(pseudo=dict(type='sigmoid_rampup', stop=0.1, length=1000)))
