"""Left atrium as in la_semi.py at full resolution, 0.625 mm, in blocks of 72×96×112 (z, y, x)."""
_base_ = './la_semi.py'
inferer = [dict(type='sliding_window', window=(72, 96, 112), batch_size=2)]
train_dataloader = dict(dataset=dict(patch=(72, 96, 112)))
