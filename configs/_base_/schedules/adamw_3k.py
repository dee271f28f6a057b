"""3,000 iterations for a CPU, where unlabelled images have time to help."""
_base_ = './adamw_1k.py'
train_cfg = dict(max_iters=3000, val_interval=500)
