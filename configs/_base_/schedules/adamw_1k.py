"""1,000 iterations for a CPU: AdamW with warm-up, polynomial decay and clipped gradients; norms and biases do not decay."""
train_cfg = dict(type='MethodTrainLoop', max_iters=1000, val_interval=250)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-3, weight_decay=1e-2), clip_grad=dict(max_norm=1.0),
    constructor='MergedOptimWrapperConstructor', paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0))
param_scheduler = [dict(type='LinearLR', start_factor=0.02, begin=0, end=50, by_epoch=False),
                   dict(type='PolyLR', power=0.9, eta_min=0, begin=50, by_epoch=False)]
