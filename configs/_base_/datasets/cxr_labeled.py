"""Chest radiographs with full labels of all training images."""
_base_ = './cxr.py'
train_dataloader = dict(
    dataset=dict(type='PartsDataset', parts=dict(labeled=dict(
        type='FolderDataset', data_root='data', images='CXR/images', labels='CXR/labels', split='CXR/splits/train.txt'))),
    batch_sampler=dict(type='PartBatchSampler', parts=dict(labeled=4)))
