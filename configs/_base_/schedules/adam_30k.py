"""The paper's 30,000 iterations of semi-supervised learning."""
_base_ = './adam_20k.py'
train_cfg = dict(max_iters=30_000)
