"""Cross teaching between a U-Net and a transformer on left atria, 7 of 72 labelled, in minutes on a CPU."""
_base_ = ['../_base_/datasets/la_semi.py', '../_base_/augmentation/blocks.py', '../_base_/schedules/adamw_500.py',
          '../_base_/runtime.py']
model = dict(
    networks=dict(
        cnn=dict(type='UNet3D', in_channels=1, num_classes=2),
        transformer=dict(type='UNETR', in_channels=1, num_classes=2, img_size=(32, 48, 48), width=192, hidden=768, heads=6)),
    method=dict(type='cross_teaching'),
    losses=dict(sup=dict(type='dice_ce'), pseudo=dict(type='soft_dice')),
    weights=dict(pseudo=dict(type='sigmoid_rampup', stop=0.1, length=300)))
