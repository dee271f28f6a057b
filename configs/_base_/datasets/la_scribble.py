"""Left atrium with scribbles on all training volumes, simulated from the full labels, and background implied around them."""
_base_ = './la.py'
prepare = [dict(type='clip_percentiles', low=0.5, high=99.5), dict(type='normalise'), dict(type='implied_background', margin=0.1)]
train_dataloader = dict(
    dataset=dict(
        type='PartsDataset', patch=(32, 48, 48),
        parts=dict(scribbled=dict(
            type='FolderDataset', data_root='data', images='LA/images', labels='LA/labels', split='LA/splits/train.txt')),
        simulate=dict(scribbled=[dict(type='simulate_scribbles', num_classes=2)])),
    batch_sampler=dict(type='PartBatchSampler', parts=dict(scribbled=4), foreground=0.5))
