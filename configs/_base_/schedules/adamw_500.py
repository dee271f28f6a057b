"""The same in 500 iterations."""
_base_ = './adamw_1k.py'
train_cfg = dict(max_iters=500, val_interval=100)
