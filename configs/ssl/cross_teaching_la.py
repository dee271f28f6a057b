"""Cross teaching between a U-Net and a transformer on left atria, 7 of 72 labelled, at the paper's budget."""
_base_ = ['../_base_/datasets/la_full_semi.py', '../_base_/augmentation/blocks.py', '../_base_/schedules/adam_20k.py',
          '../_base_/runtime.py']
inferer = [dict(type='sliding_window', window=(80, 96, 112), batch_size=2)]
train_dataloader = dict(dataset=dict(patch=(80, 96, 112)))
model = dict(
    networks=dict(
        cnn=dict(type='UNet3D', in_channels=1, num_classes=2),
        transformer=dict(type='UNETR', in_channels=1, num_classes=2, img_size=(80, 96, 112))),
    method=dict(type='cross_teaching'),
    losses=dict(sup=dict(type='dice_ce'), pseudo=dict(type='soft_dice')),
    weights=dict(pseudo=dict(type='sigmoid_rampup', stop=0.1, begin=2000, length=12_000)))
