"""The paper's 20,000 iterations of Adam with polynomial decay."""
train_cfg = dict(type='MethodTrainLoop', max_iters=20_000, val_interval=1000)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, weight_decay=1e-5))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)]
