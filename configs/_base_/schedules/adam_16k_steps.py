"""16,000 iterations of Adam whose rate is halved every 3,000, up to 12,000."""
train_cfg = dict(type='MethodTrainLoop', max_iters=16_000, val_interval=100)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, weight_decay=1e-5))
param_scheduler = [dict(type='MultiStepLR', milestones=[3000, 6000, 9000, 12_000], gamma=0.5, by_epoch=False)]
