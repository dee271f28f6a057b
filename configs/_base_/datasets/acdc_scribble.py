"""ACDC with scribbles [Valvano 2021]; 4 in their files means "not annotated"."""
_base_ = './acdc.py'
train_dataloader = dict(
    dataset=dict(type='PartsDataset', slices=True, parts=dict(scribbled=dict(
        type='FolderDataset', data_root='data', images='ACDC/images', labels='ACDC/scribbles', split='ACDC/splits/train.txt',
        unannotated=4))),
    batch_sampler=dict(type='PartBatchSampler', parts=dict(scribbled=24)))
