"""ACDC with the full labels of a tenth of the training volumes."""
_base_ = './acdc.py'
train_dataloader = dict(
    dataset=dict(type='PartsDataset', slices=True, parts=dict(labeled=dict(
        type='FolderDataset', data_root='data', images='ACDC/images', labels='ACDC/labels',
        split='ACDC/splits/labeled_10pct.txt'))),
    batch_sampler=dict(type='PartBatchSampler', parts=dict(labeled=24)))
