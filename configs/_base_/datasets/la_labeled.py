"""Left atrium with the full labels of 7 of 72 training volumes; at least half of the blocks hold a voxel of the atrium."""
_base_ = './la.py'
train_dataloader = dict(
    dataset=dict(type='PartsDataset', patch=(32, 48, 48), parts=dict(labeled=dict(
        type='FolderDataset', data_root='data', images='LA/images', labels='LA/labels', split='LA/splits/labeled_10pct.txt'))),
    batch_sampler=dict(type='PartBatchSampler', parts=dict(labeled=4), foreground=0.5))
